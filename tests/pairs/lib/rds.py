#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""rds.py A|B messages|rdma|dax [FILE]: the ends of a conversation over RDS (linux/rds.h)."""
import ctypes
import mmap
import random
import socket
import struct
import sys
import time

ADDRESS = {"A": "10.0.0.1", "B": "10.0.0.2"}
PORT = 4000
SOL_RDS, RDS_CMSG_RDMA_ARGS, RDS_CMSG_RDMA_DEST, RDS_CMSG_RDMA_MAP = 276, 1, 2, 3
RDS_RDMA_READWRITE = 1      # the peer may write, or: a write, not a read
RDS_RDMA_SILENT = 0x40      # the peer gets no message with it
ROUNDS = 60
LENGTH = 128 * 1024


def data(seed, length):
    return random.Random(seed).randbytes(length)


def expect(got, seed, length):
    if got != data(seed, length):
        sys.exit(f"message {seed}: {len(got)} bytes came, {length} were sent, or others")


class End:
    """An RDS socket, bound, with a deadline."""

    def __init__(self, me):
        self.peer = (ADDRESS["B" if me == "A" else "A"], PORT)
        self.socket = socket.socket(socket.AF_RDS, socket.SOCK_SEQPACKET)
        for option in socket.SO_SNDBUF, socket.SO_RCVBUF:
            self.socket.setsockopt(socket.SOL_SOCKET, option, 4 * LENGTH)
        self.socket.bind((ADDRESS[me], PORT))
        self.meet(me == "B")

    def meet(self, calls):
        """A message to a port that nobody has bound yet is dropped, and nobody told"""
        self.socket.settimeout(0.5)
        for _ in range(200):
            if calls:
                self.send(b"hello")
            try:
                if self.socket.recv(LENGTH) == b"hello":
                    break
            except TimeoutError:
                pass
        else:
            sys.exit("there is nobody")
        self.socket.settimeout(60)
        if not calls:
            self.send(b"hello")

    def send(self, message, control=()):
        # until the peer has loaded RDS there is nobody to connect to
        for _ in range(900):
            try:
                self.socket.sendmsg([message], control, 0, self.peer)
                return
            except OSError as e:
                error = e
                time.sleep(0.1)
        sys.exit(f"cannot send: {error}")

    def receive(self):
        message = b"hello"          # there may have been several
        while message == b"hello":
            message, control, flags, _ = self.socket.recvmsg(LENGTH + 1, 1024)
        if flags & socket.MSG_TRUNC:
            sys.exit("a message is longer than any that was sent")
        return message, control


def messages(end, asks):
    rng = random.Random(7)
    for i in range(ROUNDS):
        there, back = rng.randint(1, LENGTH), rng.randint(1, 5000)
        if asks:
            end.send(data(i, there))
            expect(end.receive()[0], -i - 1, back)
        else:
            expect(end.receive()[0], i, there)
            end.send(data(-i - 1, back))


def address_of(memory):
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def map_control(memory):
    """struct rds_get_mr_args: the peer is told the key with the message"""
    cookie = ctypes.create_string_buffer(8)
    return cookie, [(SOL_RDS, RDS_CMSG_RDMA_MAP,
                     struct.pack("=4Q", address_of(memory), LENGTH,
                                 ctypes.addressof(cookie), RDS_RDMA_READWRITE))]


def rdma_control(cookie, memory, offset, length, write):
    """struct rds_rdma_args, with one local vector"""
    local = ctypes.create_string_buffer(struct.pack("=2Q", address_of(memory) + offset, length))
    args = struct.pack("=7Q", cookie, offset, length, ctypes.addressof(local), 1,
                       RDS_RDMA_READWRITE if write else RDS_RDMA_SILENT, 0)
    return local, [(SOL_RDS, RDS_CMSG_RDMA_ARGS, args)]


def rdma(end, asks, file=None):
    """B offers memory; A reads all of it, writes a piece of its own, and says so."""
    memory = mmap.mmap(file.fileno() if file else -1, LENGTH)
    for i in range(ROUNDS // 3):
        offset = 512 * i
        length = LENGTH - 2 * offset
        if asks:
            memory[:] = data(i, LENGTH)
            _keep, control = map_control(memory)
            end.send(b"offer", control)
            if file:                # its pages come back when the peer wants them
                memory.madvise(mmap.MADV_DONTNEED)
            if end.receive()[0] != b"written":
                sys.exit("the peer says something else")
            old, new = data(i, LENGTH), data(-i - 1, LENGTH)
            if memory[:] != old[:offset] + new[offset:offset + length] + old[offset + length:]:
                sys.exit(f"round {i}: other bytes were written")
            end.send(b"next")
            continue
        _message, control = end.receive()
        cookie = [struct.unpack("=Q", c[:8])[0] for level, kind, c in control
                  if (level, kind) == (SOL_RDS, RDS_CMSG_RDMA_DEST)][0]
        memory[:] = bytes(LENGTH)
        _keep, control = rdma_control(cookie, memory, offset, length, False)
        end.send(b"", control)
        for _ in range(300):        # nothing else says that it is done
            if memory[offset:offset + length] == data(i, LENGTH)[offset:offset + length]:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"round {i}: other bytes were read")
        memory[:] = data(-i - 1, LENGTH)
        _keep, control = rdma_control(cookie, memory, offset, length, True)
        end.send(b"written", control)
        if end.receive()[0] != b"next":
            sys.exit("the peer says something else")


def main():
    me, part = sys.argv[1:3]
    end, asks = End(me), me == "B"
    if part == "messages":
        messages(end, asks)
    elif part == "dax" and asks:
        with open(sys.argv[3], "w+b") as file:
            file.truncate(LENGTH)
            rdma(end, asks, file)
    else:
        rdma(end, asks)


main()
