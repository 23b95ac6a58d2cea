// SPDX-License-Identifier: GPL-2.0
/* Must compile. */
#include <linux/module.h>
#include <linux/mm.h>

struct page *probe(struct folio *folio)
{
	return folio_page(folio, 0);
}
