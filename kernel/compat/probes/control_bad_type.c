// SPDX-License-Identifier: GPL-2.0
/* Must not compile: an incompatible pointer has to be an error. */
#include <linux/module.h>
#include <linux/mm.h>

struct page *probe(struct folio *folio)
{
	return folio;
}
