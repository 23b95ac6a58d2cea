// SPDX-License-Identifier: GPL-2.0
/* What the device says of itself: capabilities and limits, exactly what works. */
#include <linux/string.h>
#include <rdma/ib_mad.h>

#include "caps.h"
#include "dev.h"
#include "rdma.h"
#include "udata.h"

static void hroce_query_odp(struct ib_odp_caps *caps)
{
	caps->general_caps = IB_ODP_SUPPORT | IB_ODP_SUPPORT_IMPLICIT;
	caps->per_transport_caps.ud_odp_caps = IB_ODP_SUPPORT_SEND | IB_ODP_SUPPORT_RECV |
		IB_ODP_SUPPORT_SRQ_RECV;
	caps->per_transport_caps.uc_odp_caps = IB_ODP_SUPPORT_SEND | IB_ODP_SUPPORT_RECV |
		IB_ODP_SUPPORT_WRITE;
	caps->per_transport_caps.rc_odp_caps = IB_ODP_SUPPORT_SEND | IB_ODP_SUPPORT_RECV |
		IB_ODP_SUPPORT_WRITE | IB_ODP_SUPPORT_READ | IB_ODP_SUPPORT_ATOMIC |
		IB_ODP_SUPPORT_SRQ_RECV | HMMODP_ODP_FLUSH;
	caps->per_transport_caps.xrc_odp_caps = IB_ODP_SUPPORT_SEND |
		IB_ODP_SUPPORT_SRQ_RECV | IB_ODP_SUPPORT_WRITE | IB_ODP_SUPPORT_READ |
		IB_ODP_SUPPORT_ATOMIC;
}

int hroce_query_device(struct ib_device *ibdev, struct ib_device_attr *attr,
		       struct ib_udata *udata)
{
	memset(attr, 0, sizeof(*attr));
	attr->sys_image_guid = ibdev->node_guid;
	attr->vendor_id = 0xffffff;	/* none */
	attr->max_mr_size = U64_MAX;
	attr->page_size_cap = PAGE_SIZE;
	attr->device_cap_flags = IB_DEVICE_RC_RNR_NAK_GEN | IB_DEVICE_PORT_ACTIVE_EVENT |
				 IB_DEVICE_SYS_IMAGE_GUID | IB_DEVICE_SRQ_RESIZE |
				 IB_DEVICE_XRC | IB_DEVICE_MEM_WINDOW |
				 IB_DEVICE_MEM_WINDOW_TYPE_2B | IB_DEVICE_MEM_MGT_EXTENSIONS |
				 IB_DEVICE_ATOMIC_WRITE | IB_DEVICE_FLUSH_GLOBAL;
	attr->kernel_cap_flags = IBK_LOCAL_DMA_LKEY | IBK_ALLOW_USER_UNREG |
				 IBK_ON_DEMAND_PAGING;
	attr->max_qp = HROCE_MAX_QP;
	attr->max_qp_wr = HROCE_MAX_QP_WR;
	attr->max_send_sge = HROCE_MAX_SGE;
	attr->max_recv_sge = HROCE_MAX_SGE;
	attr->max_sge_rd = HROCE_MAX_SGE;
	attr->max_cq = HROCE_MAX_CQ;
	attr->max_cqe = HROCE_MAX_CQE;
	attr->cq_caps.max_cq_moderation_count = U16_MAX;
	attr->cq_caps.max_cq_moderation_period = U16_MAX;	/* microseconds */
	attr->max_srq = HROCE_MAX_SRQ;
	attr->max_srq_wr = HROCE_MAX_SRQ_WR;
	attr->max_srq_sge = HROCE_MAX_SGE;
	attr->max_mr = HROCE_MAX_MR;
	attr->max_mw = HROCE_MAX_MR;	/* keys, of both */
	attr->max_fast_reg_page_list_len = HROCE_MAX_FAST_PAGES;
	attr->max_pd = HROCE_MAX_PD;
	attr->max_dm_size = HROCE_MAX_DM_BYTES;
	attr->max_ah = HROCE_MAX_AH;
	attr->max_mcast_grp = HROCE_MAX_MCAST_MEMBERS;
	attr->max_mcast_qp_attach = HROCE_MAX_MCAST_MEMBERS;
	attr->max_total_mcast_qp_attach = HROCE_MAX_MCAST_MEMBERS;
	attr->max_qp_rd_atom = HROCE_MAX_RD_ATOMIC;
	attr->max_qp_init_rd_atom = HROCE_MAX_RD_ATOMIC;
	attr->max_res_rd_atom = HROCE_MAX_QP * HROCE_MAX_RD_ATOMIC;
	attr->atomic_cap = IB_ATOMIC_GLOB;
	attr->max_pkeys = 1;
	/* of completions: nanoseconds */
	attr->timestamp_mask = U64_MAX;
	attr->hca_core_clock = NSEC_PER_SEC / 1000;	/* kHz */
	attr->local_ca_ack_delay = HROCE_ACK_DELAY;
	hroce_query_odp(&attr->odp_caps);
	return hroce_respond(udata, NULL, 0);
}

int hroce_query_pkey(struct ib_device *ibdev, u32 port, u16 index, u16 *pkey)
{
	if (index)
		return -EINVAL;
	*pkey = IB_DEFAULT_PKEY_FULL;
	return 0;
}

int hroce_get_port_immutable(struct ib_device *ibdev, u32 port,
			     struct ib_port_immutable *immutable)
{
	immutable->core_cap_flags = RDMA_CORE_PORT_IBA_ROCE_UDP_ENCAP;
	immutable->pkey_tbl_len = 1;
	immutable->gid_tbl_len = HROCE_GID_TBL_LEN;
	immutable->max_mad_size = IB_MGMT_MAD_SIZE;
	return 0;
}
