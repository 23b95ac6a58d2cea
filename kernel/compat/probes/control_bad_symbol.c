// SPDX-License-Identifier: GPL-2.0
/* Must not compile: nothing declares this function. */
#include <linux/module.h>
#include <linux/mm.h>

int probe(struct folio *folio)
{
	return hmmodp_no_such_function(folio);
}
