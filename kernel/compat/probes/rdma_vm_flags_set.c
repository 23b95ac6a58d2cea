// SPDX-License-Identifier: GPL-2.0
/* The flags of a VMA are set by a function. */
#include <linux/mm.h>

void probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_DONTCOPY);
}
