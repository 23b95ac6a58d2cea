/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes, a TCP connection between them for control, and RC queue pairs
 * connected with what they tell each other over it.
 */
#ifndef RC_CONN_H
#define RC_CONN_H

#include <getopt.h>
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Options that every program takes; see RC_LINK_OPTIONS. */
struct rc_link_opts {
	const char *dev;	/* NULL: the first */
	int gid;
	int tcp_port;
	const char *server;	/* NULL: this is the server */
};

#define RC_LINK_DEFAULTS	{ .tcp_port = 18515 }
#define RC_LINK_OPTIONS						\
	{ "dev", required_argument, NULL, 'd' },		\
	{ "gid", required_argument, NULL, 'x' },		\
	{ "port", required_argument, NULL, 'p' }
#define RC_LINK_USAGE	"--dev NAME --gid INDEX --port TCP_PORT"

/* Takes d, x and p; false for anything else. */
bool rc_link_option(struct rc_link_opts *o, int c, const char *arg);

/* IB_UVERBS_DEVICE_*, of device_cap_flags_ex; libibverbs has no names for these. */
#define RC_DEVICE_FLUSH_GLOBAL		(1ull << 38)
#define RC_DEVICE_FLUSH_PERSISTENT	(1ull << 39)
#define RC_DEVICE_ATOMIC_WRITE		(1ull << 40)

struct rc_dev {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_device_attr_ex attr;
	struct ibv_port_attr port;
	union ibv_gid gid;
	int gid_index;
};

void rc_dev_open(struct rc_dev *d, const struct rc_link_opts *o);
void rc_dev_close(struct rc_dev *d);

/* Control connection: server waits for the client. */
int rc_tcp(const struct rc_link_opts *o);
void rc_send(int sock, const void *buf, size_t len);
void rc_recv(int sock, void *buf, size_t len);
/* Send ours, receive theirs. */
void rc_exchange(int sock, const void *ours, void *theirs, size_t len);
/* Return when the other side has come here too. @what names the place. */
void rc_barrier(int sock, const char *what);

/* What one side tells the other of a queue pair. */
struct rc_end {
	uint32_t qpn;
	uint32_t psn;
	uint64_t addr;
	uint64_t len;
	uint32_t rkey;
	uint32_t spare;
	union ibv_gid gid;
};

struct rc_qp_param {
	enum ibv_mtu mtu;
	int access;		/* of the QP, IBV_ACCESS_REMOTE_* */
	uint8_t rd_atomic;	/* both ways */
	uint8_t timeout;
	uint8_t retry;
	uint8_t rnr_retry;
	uint8_t min_rnr_timer;
};

#define RC_QP_DEFAULTS {						\
	.mtu = IBV_MTU_1024,						\
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |	\
		  IBV_ACCESS_REMOTE_ATOMIC,				\
	.rd_atomic = 1, .timeout = 14, .retry = 7, .rnr_retry = 7,	\
	.min_rnr_timer = 1,						\
}

/* RESET or INIT to RTR and RTS; RC, UC, or a half of XRC. */
void rc_qp_connect(struct rc_dev *d, struct ibv_qp *qp, const struct rc_qp_param *p,
		   uint32_t my_psn, const struct rc_end *to);
void rc_qp_init(struct ibv_qp *qp, int access);
enum ibv_qp_state rc_qp_state(struct ibv_qp *qp);
/* The command by which a provider says that the rings have news: 0 or errno. */
int rc_doorbell(struct ibv_qp *qp);
enum ibv_mtu rc_mtu(unsigned int bytes);
uint32_t rc_psn(void);

#endif
