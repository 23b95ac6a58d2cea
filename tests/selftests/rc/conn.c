// SPDX-License-Identifier: GPL-2.0
/* Control connection and RC queue pairs between two processes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>
#include <rdma/ib_user_verbs.h>

#include "conn.h"
#include "util.h"

#define CONNECT_MS	10000
#define SILENCE_SECONDS	180	/* a peer that says nothing for so long has hung */

bool rc_link_option(struct rc_link_opts *o, int c, const char *arg)
{
	switch (c) {
	case 'd':
		o->dev = arg;
		return true;
	case 'x':
		o->gid = rc_number(arg);
		return true;
	case 'p':
		o->tcp_port = rc_number(arg);
		return true;
	}
	return false;
}

void rc_dev_open(struct rc_dev *d, const struct rc_link_opts *o)
{
	struct ibv_device **list;
	int n, i;

	list = ibv_get_device_list(&n);
	if (!list)
		rc_die_errno("ibv_get_device_list");
	for (i = 0; i < n; i++)
		if (!o->dev || !strcmp(ibv_get_device_name(list[i]), o->dev))
			break;
	if (i == n)
		rc_die("no RDMA device %s (of %d)", o->dev ? o->dev : "at all", n);
	d->ctx = ibv_open_device(list[i]);
	if (!d->ctx)
		rc_die_errno("cannot open %s", ibv_get_device_name(list[i]));
	ibv_free_device_list(list);
	d->pd = ibv_alloc_pd(d->ctx);
	if (!d->pd)
		rc_die_errno("ibv_alloc_pd");
	if (ibv_query_device_ex(d->ctx, NULL, &d->attr) ||
	    ibv_query_port(d->ctx, 1, &d->port))
		rc_die_errno("cannot query the device");
	d->gid_index = o->gid;
	if (ibv_query_gid(d->ctx, 1, o->gid, &d->gid))
		rc_die_errno("no GID %d", o->gid);
}

void rc_dev_close(struct rc_dev *d)
{
	if (ibv_dealloc_pd(d->pd) || ibv_close_device(d->ctx))
		rc_die_errno("cannot close the device");
}

static int tcp_accept(int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int l, s, one = 1;

	l = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (l < 0 || bind(l, (void *)&a, sizeof(a)) || listen(l, 1))
		rc_die_errno("cannot listen on TCP port %d", port);
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	if (s < 0)
		rc_die_errno("accept");
	close(l);
	return s;
}

static int tcp_connect(const char *host, int port)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM }, *ai;
	uint64_t end = rc_patience(CONNECT_MS);
	char service[16];
	int s;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hint, &ai))
		rc_die("cannot resolve %s", host);
	for (;;) {
		s = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (s >= 0 && !connect(s, ai->ai_addr, ai->ai_addrlen))
			break;
		if (rc_now_ms() > end)
			rc_die_errno("cannot reach %s port %d", host, port);
		close(s);
		usleep(50000);
	}
	freeaddrinfo(ai);
	return s;
}

int rc_tcp(const struct rc_link_opts *o)
{
	struct timeval silence = { .tv_sec = SILENCE_SECONDS };
	int s, one = 1;

	s = o->server ? tcp_connect(o->server, o->tcp_port) : tcp_accept(o->tcp_port);
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	return s;
}

void rc_send(int sock, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = send(sock, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			rc_die_errno("control connection");
		p += n;
		len -= n;
	}
}

void rc_recv(int sock, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = recv(sock, p, len, 0);

		if (n == 0)
			rc_die("the other side has ended");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc_die_errno("the other side is silent");
		p += n;
		len -= n;
	}
}

void rc_exchange(int sock, const void *ours, void *theirs, size_t len)
{
	rc_send(sock, ours, len);
	rc_recv(sock, theirs, len);
}

void rc_barrier(int sock, const char *what)
{
	char ours[16] = "", theirs[16];

	strncpy(ours, what, sizeof(ours) - 1);
	rc_exchange(sock, ours, theirs, sizeof(ours));
	if (memcmp(ours, theirs, sizeof(ours)))
		rc_die("out of step: we are at '%s', they at '%.15s'", ours, theirs);
}

enum ibv_mtu rc_mtu(unsigned int bytes)
{
	int i;

	for (i = IBV_MTU_256; i <= IBV_MTU_4096; i++)
		if (bytes == 128u << i)
			return i;
	rc_die("no path MTU of %u", bytes);
}

uint32_t rc_psn(void)
{
	uint32_t v;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		rc_die_errno("getrandom");
	/* every other time close to the end, so that it wraps */
	return v & 1 ? v >> 8 : 0xffffff - (v >> 25);
}

void rc_qp_init(struct ibv_qp *qp, int access)
{
	struct ibv_qp_attr a = {
		.qp_state = IBV_QPS_INIT, .port_num = 1, .qp_access_flags = access,
	};

	if (ibv_modify_qp(qp, &a, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			  IBV_QP_ACCESS_FLAGS))
		rc_die_errno("QP to INIT");
}

void rc_qp_connect(struct rc_dev *d, struct ibv_qp *qp, const struct rc_qp_param *p,
		   uint32_t my_psn, const struct rc_end *to)
{
	struct ibv_qp_attr rtr = {
		.qp_state = IBV_QPS_RTR, .path_mtu = p->mtu,
		.dest_qp_num = to->qpn, .rq_psn = to->psn,
		.max_dest_rd_atomic = p->rd_atomic, .min_rnr_timer = p->min_rnr_timer,
		.ah_attr = {
			.is_global = 1, .port_num = 1,
			.grh = { .dgid = to->gid, .sgid_index = d->gid_index, .hop_limit = 64 },
		},
	};
	struct ibv_qp_attr rts = {
		.qp_state = IBV_QPS_RTS, .sq_psn = my_psn, .timeout = p->timeout,
		.retry_cnt = p->retry, .rnr_retry = p->rnr_retry,
		.max_rd_atomic = p->rd_atomic,
	};

	bool rc = qp->qp_type == IBV_QPT_RC;
	int mask;

	if (rc_qp_state(qp) == IBV_QPS_RESET)
		rc_qp_init(qp, qp->qp_type == IBV_QPT_UC ?
			   p->access & IBV_ACCESS_REMOTE_WRITE : p->access);
	mask = IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;
	if (rc || qp->qp_type == IBV_QPT_XRC_RECV)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	if (ibv_modify_qp(qp, &rtr, mask))
		rc_die_errno("QP to RTR");
	mask = IBV_QP_STATE | IBV_QP_SQ_PSN;
	if (rc || qp->qp_type == IBV_QPT_XRC_SEND)
		mask |= IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC;
	if (qp->qp_type != IBV_QPT_UC)
		mask |= IBV_QP_TIMEOUT;
	if (ibv_modify_qp(qp, &rts, mask))
		rc_die_errno("QP to RTS");
}

enum ibv_qp_state rc_qp_state(struct ibv_qp *qp)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr a;

	if (ibv_query_qp(qp, &a, IBV_QP_STATE, &init))
		rc_die_errno("ibv_query_qp");
	return a.qp_state;
}

int rc_doorbell(struct ibv_qp *qp)
{
	struct ib_uverbs_post_send_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_post_send cmd;
	} c = {
		.hdr = { .command = IB_USER_VERBS_CMD_POST_SEND, .in_words = sizeof(c) / 4,
			 .out_words = sizeof(resp) / 4 },
		.cmd = { .response = (uintptr_t)&resp, .qp_handle = qp->handle,
			 .wqe_size = sizeof(struct ib_uverbs_send_wr) },
	};

	return write(qp->context->cmd_fd, &c, sizeof(c)) < 0 ? errno : 0;
}
