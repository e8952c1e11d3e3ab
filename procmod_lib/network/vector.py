"""LANES float32 numbers as one value that numba understands: load, store, splat, + - * /, exp,
sqrt, maximum, total.

numba has no vector type and its automatic vectorisation gives up on short loops, because it cannot
know that two arrays do not overlap. This adds the type in LLVM's own terms, so the compiler maps it
to whatever the machine has (one AVX-512 or AVX2 register, two NEON registers, ...)."""

import operator
import os

from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

WIDEST = 16 if binding.get_host_cpu_features().get("avx512f") else 8  # in one register here
LANES = int(os.environ.get("PROCMOD_LANES", WIDEST))
"""Tests ask for another number, with a NUMBA_CACHE_DIR of its own: compiled code is not told apart
by it.
"""
FLAGS = (
    "contract",
    "nnan",
    "ninf",
    "nsz",
    "arcp",
)  # not "reassoc": sums keep their order, so numbers do not depend on how the compiler inlines
_F32, _I32 = ir.FloatType(), ir.IntType(32)
_VEC, _IVEC = ir.VectorType(_F32, LANES), ir.VectorType(_I32, LANES)


class Vector(types.Type):
    """The numba type of LANES float32 numbers."""

    def __init__(self):
        super().__init__(name=f"float32x{LANES}")


vector = Vector()


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VEC)


def _constant(value: float) -> ir.Constant:
    return ir.Constant(_VEC, [value] * LANES)


def _address(context, builder, signature, array, index):
    data = context.make_array(signature.args[0])(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VEC.as_pointer())


def _call(builder, name, *args):
    function = ir.FunctionType(_VEC, [_VEC] * len(args))
    callee = builder.module.globals.get(name) or ir.Function(builder.module, function, name)
    return builder.call(callee, args, fastmath=FLAGS)


@intrinsic
def load(typing, array, index):
    """load(array, i): array[i : i + LANES] of a float32 array."""

    def emit(context, builder, signature, args):
        return builder.load(_address(context, builder, signature, *args), align=4)

    return vector(array, types.intp), emit


@intrinsic
def store(typing, array, index, value):
    """store(array, i, v): array[i : i + LANES] = v."""

    def emit(context, builder, signature, args):
        builder.store(args[2], _address(context, builder, signature, *args[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def splat(typing, x):
    """splat(x): x in every lane."""

    def emit(context, builder, signature, args):
        one = builder.insert_element(ir.Constant(_VEC, ir.Undefined), args[0], ir.Constant(_I32, 0))
        return builder.shuffle_vector(
            one, ir.Constant(_VEC, ir.Undefined), ir.Constant(_IVEC, [0] * LANES)
        )

    return vector(types.float32), emit


@intrinsic
def total(typing, v):
    """total(v): the sum over the lanes, a float32.

    The upper half is added to the lower until one number is left.
    """

    def emit(context, builder, signature, args):
        value, half = args[0], LANES // 2
        while half:
            parts = [
                builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(ir.VectorType(_I32, half), list(range(i, i + half))),
                )
                for i in (0, half)
            ]
            value, half = builder.fadd(*parts, flags=FLAGS), half // 2
        return builder.extract_element(value, ir.Constant(_I32, 0))

    return types.float32(vector), emit


def _lanewise(name: str, *kinds):
    """A rule for typing and code of LLVM's function of that name, lane by lane."""
    return vector(*kinds), lambda context, builder, signature, args: _call(
        builder, f"llvm.{name}.v{LANES}f32", *args
    )


@intrinsic
def maximum(typing, a, b):
    """maximum(a, b), lane by lane."""
    return _lanewise("maxnum", vector, vector)


@intrinsic
def minimum(typing, a, b):
    """minimum(a, b), lane by lane."""
    return _lanewise("minnum", vector, vector)


@intrinsic
def sqrt(typing, v):
    """sqrt(v), lane by lane."""
    return _lanewise("sqrt", vector)


@intrinsic
def exp(typing, v):
    """exp(v), lane by lane, to about 1e-7 relative.

    A power of two times a polynomial (Cephes' coefficients).
    """

    def emit(context, builder, signature, args):
        def times(a, b):
            return builder.fmul(a, b, flags=FLAGS)

        def plus(a, b):
            return builder.fadd(a, b, flags=("contract",))

        x = _call(builder, f"llvm.minnum.v{LANES}f32", args[0], _constant(88.0))
        x = _call(builder, f"llvm.maxnum.v{LANES}f32", x, _constant(-87.0))
        whole = _call(
            builder,
            f"llvm.floor.v{LANES}f32",
            plus(times(x, _constant(1.44269504)), _constant(0.5)),
        )
        rest = plus(
            plus(x, builder.fmul(whole, _constant(-0.693359375), flags=("contract",))),
            builder.fmul(whole, _constant(2.12194440e-4), flags=("contract",)),
        )
        y = _constant(1.9875691500e-4)
        for c in (
            1.3981999507e-3,
            8.3334519073e-3,
            4.1665795894e-2,
            1.6666665459e-1,
            5.0000001201e-1,
            1.0,
            1.0,
        ):
            y = plus(times(y, rest), _constant(c))
        power = builder.add(builder.fptosi(whole, _IVEC), ir.Constant(_IVEC, [127] * LANES))
        return times(y, builder.bitcast(builder.shl(power, ir.Constant(_IVEC, [23] * LANES)), _VEC))

    return vector(vector), emit


@intrinsic
def kept(typing, keys, counter, bar, scale):
    """kept(keys, i, bar, scale): ``scale`` where the i-th random number of a lane is ``bar`` or
    more, else 0.

    A lane's numbers are whole, from 0 to 2^24 - 1; they are the hash (Murmur3's finaliser) of its
    key, a uint32, and i.
    """

    def emit(context, builder, signature, args):
        def constant(value: int) -> ir.Constant:
            return ir.Constant(_IVEC, [value] * LANES)

        def mixed(x, shift: int):
            return builder.xor(x, builder.lshr(x, constant(shift)))

        def spread(x, undefined):
            zero = ir.Constant(_I32, 0)
            one = builder.insert_element(undefined, x, zero)
            return builder.shuffle_vector(one, undefined, ir.Constant(_IVEC, [0] * LANES))

        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        x = builder.load(builder.bitcast(data, _IVEC.as_pointer()), align=4)
        step = builder.mul(builder.trunc(args[1], _I32), ir.Constant(_I32, 0x9E3779B9))
        x = builder.xor(x, spread(step, ir.Constant(_IVEC, ir.Undefined)))
        x = builder.mul(mixed(x, 16), constant(0x85EBCA6B))
        x = builder.mul(mixed(x, 13), constant(0xC2B2AE35))
        number = builder.uitofp(builder.lshr(mixed(x, 16), constant(8)), _VEC)
        bar, scale = (spread(z, ir.Constant(_VEC, ir.Undefined)) for z in args[2:])
        return builder.select(builder.fcmp_ordered(">=", number, bar), scale, _constant(0.0))

    return vector(keys, types.intp, types.float32, types.float32), emit


def _binary(symbol, opcode):
    @intrinsic
    def both(typing, a, b):
        return vector(vector, vector), lambda context, builder, signature, args: getattr(
            builder, opcode
        )(*args, flags=FLAGS)

    def choose(a, b):
        if isinstance(a, Vector) and isinstance(b, Vector):
            return lambda a, b: both(a, b)
        return None

    overload(symbol)(choose)


for _symbol, _opcode in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _binary(_symbol, _opcode)
