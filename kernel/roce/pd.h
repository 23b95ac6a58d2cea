/* SPDX-License-Identifier: GPL-2.0 */
/* User contexts and protection domains: entries of ib_device_ops. */
#ifndef HROCE_PD_H
#define HROCE_PD_H

#include <rdma/ib_verbs.h>

int hroce_alloc_ucontext(struct ib_ucontext *ibuc, struct ib_udata *udata);
void hroce_dealloc_ucontext(struct ib_ucontext *ibuc);
int hroce_query_ucontext(struct ib_ucontext *ibuc, struct uverbs_attr_bundle *attrs);
void hroce_disassociate_ucontext(struct ib_ucontext *ibuc);
int hroce_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);
int hroce_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);

#endif
