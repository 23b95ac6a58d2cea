/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The uverbs commands that carry data of ours, as struct hroce_cmd_*. */
#ifndef HROCE_CMD_H
#define HROCE_CMD_H

#include <infiniband/driver.h>
#include <rdma/hroce-abi.h>

/* rdma-core wants these for the fields without their tag; drv_payload will do. */
#define _STRUCT_hroce_alloc_ucontext_resp	struct {}
#define _STRUCT_hroce_create_cq_resp		struct {}
#define _STRUCT_hroce_create_qp_resp		struct {}
#define _STRUCT_hroce_create_srq_resp		struct {}
#define _STRUCT_hroce_create_ah_resp		struct {}
#define _STRUCT_hroce_modify_srq_req		struct {}
#define _STRUCT_hroce_reg_mr_req		struct {}

DECLARE_DRV_CMD(hroce_cmd_get_context, IB_USER_VERBS_CMD_GET_CONTEXT,
		empty, hroce_alloc_ucontext_resp);
DECLARE_DRV_CMD(hroce_cmd_create_cq, IB_USER_VERBS_CMD_CREATE_CQ,
		empty, hroce_create_cq_resp);
DECLARE_DRV_CMD(hroce_cmd_create_cq_ex, IB_USER_VERBS_EX_CMD_CREATE_CQ,
		empty, hroce_create_cq_resp);
DECLARE_DRV_CMD(hroce_cmd_resize_cq, IB_USER_VERBS_CMD_RESIZE_CQ,
		empty, hroce_create_cq_resp);
DECLARE_DRV_CMD(hroce_cmd_create_qp, IB_USER_VERBS_CMD_CREATE_QP,
		empty, hroce_create_qp_resp);
DECLARE_DRV_CMD(hroce_cmd_create_qp_ex, IB_USER_VERBS_EX_CMD_CREATE_QP,
		empty, hroce_create_qp_resp);
DECLARE_DRV_CMD(hroce_cmd_create_srq, IB_USER_VERBS_CMD_CREATE_SRQ,
		empty, hroce_create_srq_resp);
DECLARE_DRV_CMD(hroce_cmd_create_srq_ex, IB_USER_VERBS_CMD_CREATE_XSRQ,
		empty, hroce_create_srq_resp);
DECLARE_DRV_CMD(hroce_cmd_modify_srq, IB_USER_VERBS_CMD_MODIFY_SRQ,
		hroce_modify_srq_req, empty);
DECLARE_DRV_CMD(hroce_cmd_reg_mr, IB_USER_VERBS_CMD_REG_MR,
		hroce_reg_mr_req, empty);
DECLARE_DRV_CMD(hroce_cmd_create_ah, IB_USER_VERBS_CMD_CREATE_AH,
		empty, hroce_create_ah_resp);

#endif
