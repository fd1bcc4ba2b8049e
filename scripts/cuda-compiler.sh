#!/usr/bin/env bash
# Sees to it that there is a CUDA compiler, and prints the path of its nvcc, or with --nvrtc the folder of its
# libnvrtc. It comes from PyPI, pinned by SHA-256, without a toolkit, a driver or a GPU (195 MB, once; NVIDIA's licence:
# nothing of it is redistributed). NOESIS_NVCC and NOESIS_NVRTC name others to use instead. Safe to run again.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case "${1:-}" in "" | --nvrtc) ;; *) die "usage: scripts/cuda-compiler.sh [--nvrtc]" ;; esac

# 13.0 is what drivers from 580 on know; the runtime package brings the headers that nvcc includes by itself.
REQUIREMENTS='
nvidia-cuda-nvcc==13.0.88 --hash=sha256:56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03
nvidia-nvvm==13.0.88 --hash=sha256:c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0
nvidia-cuda-crt==13.0.88 --hash=sha256:2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4
nvidia-cuda-runtime==13.0.96 --hash=sha256:7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
nvidia-cuda-nvrtc==13.0.88 --hash=sha256:ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575
'
FOLDER=$CACHE/cuda
TOOLS=$FOLDER/nvidia/cu13

fetch() {
	[ "$(uname -sm)" = "Linux x86_64" ] ||
		die "the pinned CUDA compiler is for x86-64 Linux: set NOESIS_NVCC to an nvcc (and NOESIS_NVRTC to the folder of libnvrtc)"
	need python3
	need unzip
	say "fetching the CUDA compiler 13.0.88 from PyPI (195 MB)"
	local scratch
	mkdir -p "$CACHE"
	scratch=$(mktemp -d "$CACHE/cuda.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$scratch'" EXIT
	echo "$REQUIREMENTS" >"$scratch/requirements.txt"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
		--dest "$scratch" --requirement "$scratch/requirements.txt" >&2
	for wheel in "$scratch"/*.whl; do unzip -q -o "$wheel" -d "$scratch"; rm "$wheel"; done
	# Wheels don't carry the right to run.
	chmod +x "$scratch"/nvidia/cu13/bin/* "$scratch"/nvidia/cu13/nvvm/bin/*
	mv "$scratch/requirements.txt" "$scratch/installed"
	rm -rf "$FOLDER"
	mv "$scratch" "$FOLDER"
}

provide() { echo "$REQUIREMENTS" | cmp --quiet - "$FOLDER/installed" 2>/dev/null || fetch; }

if [ "${1:-}" = --nvrtc ]; then
	[ -n "${NOESIS_NVRTC:-}" ] || { provide && NOESIS_NVRTC=$TOOLS/lib; }
	[ -d "$NOESIS_NVRTC" ] || die "NOESIS_NVRTC is $NOESIS_NVRTC, which is no folder"
	echo "$NOESIS_NVRTC"
else
	[ -n "${NOESIS_NVCC:-}" ] || { provide && NOESIS_NVCC=$TOOLS/bin/nvcc; }
	[ -x "$NOESIS_NVCC" ] || die "NOESIS_NVCC is $NOESIS_NVCC, which can't be run"
	echo "$NOESIS_NVCC"
fi
