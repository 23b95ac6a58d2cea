/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzzer and its victim say to each other over TCP. */
#ifndef FUZZ_VICTIM_H
#define FUZZ_VICTIM_H

#include "conn.h"

#define FUZZ_PEER_QPN	0x5a5a5au	/* nobody's: answers to it are dropped */

enum fuzz_ask {
	FUZZ_STATUS,	/* look at memory, say how the QP is */
	FUZZ_RENEW,	/* a new QP with fresh requests under way */
	FUZZ_PEEK,	/* the first bytes of the region */
	FUZZ_END,
};

struct fuzz_answer {
	uint32_t qpn, rkey, recv_psn, send_psn;
	uint64_t addr, len;		/* the region that may be written */
	uint64_t peek;
	uint32_t state;			/* enum ibv_qp_state */
	uint32_t completions;
	union ibv_gid gid;
};

void fuzz_victim(struct rc_link_opts *o, struct in_addr peer);

#endif
