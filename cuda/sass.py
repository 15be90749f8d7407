#!/usr/bin/env python3
"""sass.py BUILD: what the machine code of every kernel of the device cuda is, where BUILD has code of
sm_90: instructions, barriers, loads and stores of 16 bytes, accesses of local memory (spills, stacks).
cuda/sass.txt is what it says of nvcc 13.0:

  python3 cuda/sass.py build >cuda/sass.txt

The code lies in ELF files within the objects, a section a kernel, 16 bytes an instruction: the lowest
12 bits are the operation, bits 73 to 75 the width of an access."""
import glob
import struct
import sys

LOAD, STORE, LOCAL_LOAD, LOCAL_STORE, BARRIER = 0x981, 0x986, 0x983, 0x387, 0xB1D
SIXTEEN_BYTES = 6
CUDA_MACHINE, SM_90 = 190, 90


def sections(elf):
    """Name and contents of each section of a 64-bit ELF file; none where it is of another machine."""
    machine, = struct.unpack_from("<H", elf, 18)
    table, flags = struct.unpack_from("<Q", elf, 40)[0], struct.unpack_from("<I", elf, 48)[0]
    size, count, names = struct.unpack_from("<HHH", elf, 58)
    if machine != CUDA_MACHINE or SM_90 not in (flags & 0xFF, flags >> 8 & 0xFF):
        return
    heads = [struct.unpack_from("<IIQQQQ", elf, table + i * size) for i in range(count)]
    start = heads[names][4]
    for name, _, _, _, offset, length in heads:
        end = elf.index(b"\0", start + name)
        yield elf[start + name:end].decode(), elf[offset:offset + length]


def counts(code):
    found = [0] * 5  # instructions, barriers, wide loads, wide stores, local
    for low, high in struct.iter_unpack("<QQ", code):
        operation, width = low & 0xFFF, high >> 9 & 7
        found[0] += 1
        found[1] += operation == BARRIER
        found[2] += operation == LOAD and width == SIXTEEN_BYTES
        found[3] += operation == STORE and width == SIXTEEN_BYTES
        found[4] += operation in (LOCAL_LOAD, LOCAL_STORE)
    return found


def main():
    rows = []
    for path in glob.glob(sys.argv[1] + "/cuda/CMakeFiles/odeon_device_cuda.dir/kernels/*.cu.o"):
        with open(path, "rb") as file:
            data = file.read()
        at = data.find(b"\x7fELF", 4)
        while at >= 0:
            for name, code in sections(data[at:]):
                if name.startswith(".text.run_"):
                    rows.append([name[len(".text.run_"):]] + counts(code))
            at = data.find(b"\x7fELF", at + 4)
    print("# kernel instructions barriers wide_loads wide_stores local")
    for row in sorted(rows):
        print(*row)


main()
