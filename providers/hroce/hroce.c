// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The provider: which devices it drives, and their contexts. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "compat.h"
#include "hroce.h"

static void hroce_free_context(struct ibv_context *ibctx)
{
	struct hroce_context *ctx =
		container_of(ibctx, struct hroce_context, ibv_ctx.context);

	verbs_uninit_context(&ctx->ibv_ctx);
	free(ctx);
}

static const struct verbs_context_ops hroce_ops = {
	.advise_mr = ibv_cmd_advise_mr,
	.alloc_dm = hroce_alloc_dm,
	.alloc_parent_domain = hroce_alloc_parent_domain,
	.alloc_mw = hroce_alloc_mw,
	.alloc_null_mr = hroce_alloc_null_mr,
	.alloc_pd = hroce_alloc_pd,
	.alloc_td = hroce_alloc_td,
	.attach_mcast = ibv_cmd_attach_mcast,
	.bind_mw = hroce_bind_mw,
	.close_xrcd = hroce_close_xrcd,
	.create_ah = hroce_create_ah,
	.create_cq = hroce_create_cq,
	.create_cq_ex = hroce_create_cq_ex,
	.create_qp = hroce_create_qp,
	.create_qp_ex = hroce_create_qp_ex,
	.create_srq = hroce_create_srq,
	.create_srq_ex = hroce_create_srq_ex,
	.dealloc_mw = hroce_dealloc_mw,
	.dealloc_pd = hroce_dealloc_pd,
	.dealloc_td = hroce_dealloc_td,
	.dereg_mr = hroce_dereg_mr,
	.destroy_ah = hroce_destroy_ah,
	.destroy_cq = hroce_destroy_cq,
	.destroy_qp = hroce_destroy_qp,
	.destroy_srq = hroce_destroy_srq,
	.detach_mcast = ibv_cmd_detach_mcast,
	.free_context = hroce_free_context,
	.free_dm = hroce_free_dm,
	.import_dm = hroce_import_dm,
	.import_mr = hroce_import_mr,
	.import_pd = hroce_import_pd,
	.get_srq_num = hroce_get_srq_num,
	.modify_cq = hroce_modify_cq,
	.modify_qp = hroce_modify_qp,
	.modify_srq = hroce_modify_srq,
	.open_qp = hroce_open_qp,
	.open_xrcd = hroce_open_xrcd,
	.poll_cq = hroce_poll_cq,
	.post_recv = hroce_post_recv,
	.post_send = hroce_post_send,
	.post_srq_recv = hroce_post_srq_recv,
	.query_device_ex = hroce_query_device,
	.query_port = hroce_query_port,
	HROCE_QUERY_PORT_SPEED_OP
	.query_qp = hroce_query_qp,
	.query_rt_values = hroce_query_rt_values,
	.query_srq = hroce_query_srq,
	.reg_dm_mr = hroce_reg_dm_mr,
	.reg_dmabuf_mr = hroce_reg_dmabuf_mr,
	.reg_mr = hroce_reg_mr,
	.req_notify_cq = ibv_cmd_req_notify_cq,
	.rereg_mr = hroce_rereg_mr,
	.resize_cq = hroce_resize_cq,
	.unimport_dm = hroce_unimport_dm,
	.unimport_mr = hroce_unimport_mr,
	.unimport_pd = hroce_unimport_pd,
};

static bool hroce_all_on_demand(void)
{
	const char *wish = getenv("HROCE_ODP");

	return wish && !strcmp(wish, "1");
}

static struct verbs_context *hroce_alloc_context(struct ibv_device *ibdev,
						 int cmd_fd,
						 void *private_data)
{
	struct hroce_cmd_get_context cmd = {};
	struct hroce_cmd_get_context_resp resp = {};
	struct hroce_context *ctx;
	int err;

	(void)private_data;
	ctx = verbs_init_and_alloc_context(ibdev, cmd_fd, ctx, ibv_ctx,
					   HROCE_DRIVER_ID);
	if (!ctx)
		return NULL;

	err = hroce_compat_get_context(&ctx->ibv_ctx, &cmd.ibv_cmd, sizeof(cmd),
				    &resp.ibv_resp, sizeof(resp));
	if (err) {
		verbs_uninit_context(&ctx->ibv_ctx);
		free(ctx);
		errno = err;
		return NULL;
	}

	ctx->all_on_demand = hroce_all_on_demand();
	verbs_set_ops(&ctx->ibv_ctx, &hroce_ops);
	return &ctx->ibv_ctx;
}

/* The context of another process, who has passed us its file descriptor. */
static struct verbs_context *hroce_import_context(struct ibv_device *ibdev, int cmd_fd)
{
	struct hroce_context *ctx;
	int err;

	ctx = verbs_init_and_alloc_context(ibdev, cmd_fd, ctx, ibv_ctx,
					   HROCE_DRIVER_ID);
	if (!ctx)
		return NULL;

	err = ibv_cmd_query_context(&ctx->ibv_ctx.context, NULL);
	if (err) {
		verbs_uninit_context(&ctx->ibv_ctx);
		free(ctx);
		errno = err;
		return NULL;
	}

	ctx->all_on_demand = hroce_all_on_demand();
	verbs_set_ops(&ctx->ibv_ctx, &hroce_ops);
	return &ctx->ibv_ctx;
}

static struct verbs_device *hroce_alloc_device(struct verbs_sysfs_dev *sysfs)
{
	(void)sysfs;
	return calloc(1, sizeof(struct verbs_device));
}

static void hroce_uninit_device(struct verbs_device *device)
{
	free(device);
}

static const struct verbs_match_ent hroce_match_table[] = {
	VERBS_DRIVER_ID(HROCE_DRIVER_ID),
	{},
};

static const struct verbs_device_ops hroce_device_ops = {
	.name = "hroce",
	.match_min_abi_version = HROCE_UVERBS_ABI_VERSION,
	.match_max_abi_version = HROCE_UVERBS_ABI_VERSION,
	.match_table = hroce_match_table,
	.alloc_device = hroce_alloc_device,
	.uninit_device = hroce_uninit_device,
	.alloc_context = hroce_alloc_context,
	.import_context = hroce_import_context,
};
PROVIDER_DRIVER(hroce, hroce_device_ops);
