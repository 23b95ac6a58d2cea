# SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
# The private headers of rdma-core, which no -dev package has.
#
# rdma_core_setup(SRC) configures that source below the build directory and sets
#	RDMA_CORE_INCLUDE	its private and public headers
#	RDMA_CORE_SUFFIX	how its provider files end, e.g. -rdmav34.so
# and makes the target rdma_core to compile and link with: against the
# libibverbs that is installed, not the one of that source.

function(rdma_core_run what)
	execute_process(COMMAND ${ARGN}
		OUTPUT_VARIABLE output ERROR_VARIABLE output
		RESULT_VARIABLE failed)
	if(failed)
		message(FATAL_ERROR "rdma-core: could not ${what}:\n${output}")
	endif()
endfunction()

function(rdma_core_setup src)
	set(build ${CMAKE_BINARY_DIR}/rdma-core)
	set(config ${build}/include/config.h)
	if(NOT EXISTS ${src}/libibverbs/driver.h)
		message(FATAL_ERROR "${src} is not the source of rdma-core")
	endif()

	# Only headers are wanted, so leave out all that needs libraries.
	if(NOT EXISTS ${config} OR ${src}/CMakeLists.txt IS_NEWER_THAN ${config}
	   OR NOT "${src}" STREQUAL "${HMMODP_RDMA_CORE_DONE}")
		message(STATUS "Configuring rdma-core in ${build}")
		file(REMOVE_RECURSE ${build})
		rdma_core_run("configure ${src}"
			${CMAKE_COMMAND} -S ${src} -B ${build} -G ${CMAKE_GENERATOR}
			-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}
			-DCMAKE_POLICY_VERSION_MINIMUM=3.5
			-DNO_PYVERBS=1 -DNO_MAN_PAGES=1 -DENABLE_RESOLVE_NEIGH=0)
		rdma_core_run("generate its headers"
			${CMAKE_COMMAND} --build ${build} --target kern-abi)
		set(HMMODP_RDMA_CORE_DONE ${src} CACHE INTERNAL "")
	endif()

	file(STRINGS ${config} line REGEX "define VERBS_PROVIDER_SUFFIX")
	if(NOT line MATCHES "\"(-rdmav([0-9]+)\\.so)\"")
		message(FATAL_ERROR "rdma-core: no VERBS_PROVIDER_SUFFIX in ${config}")
	endif()
	set(abi ${CMAKE_MATCH_2})
	set(RDMA_CORE_SUFFIX ${CMAKE_MATCH_1} PARENT_SCOPE)
	set(RDMA_CORE_INCLUDE ${build}/include PARENT_SCOPE)

	find_package(Threads REQUIRED)
	add_library(rdma_core INTERFACE IMPORTED GLOBAL)
	target_include_directories(rdma_core SYSTEM INTERFACE ${build}/include)
	target_link_libraries(rdma_core INTERFACE -l:libibverbs.so.1 Threads::Threads)

	# One private ABI, or the provider would not load.
	include(CheckSourceCompiles)
	set(CMAKE_REQUIRED_LIBRARIES -l:libibverbs.so.1)
	set(CMAKE_REQUIRED_QUIET ON)
	check_source_compiles(C "
		void verbs_register_driver_${abi}(const void *ops);
		int main(void) { verbs_register_driver_${abi}(0); return 0; }"
		HMMODP_IBVERBS_HAS_ABI_${abi})
	if(NOT HMMODP_IBVERBS_HAS_ABI_${abi})
		unset(HMMODP_IBVERBS_HAS_ABI_${abi} CACHE)
		message(FATAL_ERROR
			"The installed libibverbs.so.1 is missing, or has another "
			"private ABI than ${src} (${abi}): take the source of the "
			"release that is installed; "
			"providers/hroce/get-rdma-core.sh does.")
	endif()
endfunction()
