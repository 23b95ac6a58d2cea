/* SPDX-License-Identifier: GPL-2.0 */
/* The driver's part of an answer to user space, by the rule of hroce-abi.h. */
#ifndef HROCE_UDATA_H
#define HROCE_UDATA_H

#include <linux/minmax.h>
#include <linux/uaccess.h>
#include <rdma/ib_verbs.h>

/**
 * hroce_respond - write an answer: cut, or zero-filled, to the caller's room
 * @udata: of the verb; NULL for a kernel caller, who gets none
 * Return: 0 or -EFAULT.
 */
static inline int hroce_respond(struct ib_udata *udata, const void *resp, size_t len)
{
	size_t n;

	if (!udata)
		return 0;
	n = min(len, udata->outlen);
	if (copy_to_user(udata->outbuf, resp, n) ||
	    clear_user(udata->outbuf + n, udata->outlen - n))
		return -EFAULT;
	return 0;
}

/* For an answer that user space cannot do without. */
static inline int hroce_respond_all(struct ib_udata *udata, const void *resp,
				    size_t len)
{
	if (udata && udata->outlen < len)
		return -EINVAL;
	return hroce_respond(udata, resp, len);
}

#endif
