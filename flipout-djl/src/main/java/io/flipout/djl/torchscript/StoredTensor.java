package io.flipout.djl.torchscript;

import io.flipout.djl.torchscript.Pickle.Call;
import io.flipout.djl.torchscript.Pickle.Global;
import io.flipout.djl.torchscript.Pickle.Persistent;
import io.flipout.djl.torchscript.Pickle.Tuple;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntConsumer;

/**
 * Where a file keeps a tensor: which record of numbers it looks at, and how.
 *
 * @param storage the record
 * @param offset the position of the tensor's first number
 * @param sizes its shape
 * @param strides how far the next number lies along each axis
 * @param requiresGradient whether it was trained when it was saved
 */
record StoredTensor(
        Storage storage,
        long offset,
        List<Long> sizes,
        List<Long> strides,
        boolean requiresGradient) {

    /**
     * A record of numbers.
     *
     * @param key its name in its folder
     * @param type Python's class of it, such as {@code FloatStorage}
     * @param length how many numbers it holds
     */
    record Storage(String key, String type, long length) {

        static Storage of(Persistent outside) {
            List<Object> parts = outside.id().items();
            return new Storage(
                    (String) parts.get(2), ((Global) parts.get(1)).name(), (Long) parts.get(4));
        }

        /** The name of its type, as Python has it in lower case, such as {@code bfloat16}. */
        String typeName() {
            return switch (type) {
                case "HalfStorage" -> "float16";
                case "DoubleStorage" -> "float64";
                default -> type.replace("Storage", "").toLowerCase(Locale.ROOT);
            };
        }

        /** The bytes of so many of its numbers. */
        long bytes(long numbers) {
            return Math.multiplyExact(numbers, (long) ScalarTypes.width(type));
        }
    }

    /** Returns what a call makes, if that is a tensor of one record. */
    static Optional<StoredTensor> of(Object value) {
        if (!(value instanceof Call call)
                || !call.function().qualifiedName().equals("torch._utils._rebuild_tensor_v2")) {
            return Optional.empty();
        }
        try {
            List<Object> arguments = call.arguments().items();
            return Optional.of(
                    new StoredTensor(
                            Storage.of((Persistent) arguments.get(0)),
                            (Long) arguments.get(1),
                            longs(arguments.get(2)),
                            longs(arguments.get(3)),
                            (Boolean) arguments.get(4)));
        } catch (ClassCastException | IndexOutOfBoundsException | NullPointerException e) {
            throw new IllegalArgumentException("a tensor of it is not one", e);
        }
    }

    private static List<Long> longs(Object tuple) {
        return ((Tuple) tuple).items().stream().map(Long.class::cast).toList();
    }

    /** How many numbers of the record the tensor reaches over, from the first. */
    long reach() {
        long reach = offset + 1;
        for (int axis = 0; axis < sizes.size(); axis++) {
            if (sizes.get(axis) == 0) {
                return 0;
            }
            long steps = Math.multiplyExact(sizes.get(axis) - 1, strides.get(axis));
            reach = Math.addExact(reach, steps);
        }
        return reach;
    }

    long size() {
        return sizes.stream().reduce(1L, Math::multiplyExact);
    }

    /** Whether both are the same numbers, in the same order. */
    boolean isSame(StoredTensor other) {
        return storage.equals(other.storage)
                && offset == other.offset
                && sizes.equals(other.sizes)
                && strides.equals(other.strides)
                && requiresGradient == other.requiresGradient;
    }

    /** Whether both look at some same numbers. */
    boolean overlaps(StoredTensor other) {
        if (!storage.key().equals(other.storage.key())
                || offset >= other.reach()
                || other.offset >= reach()) {
            return false;
        }
        BitSet mine = new BitSet();
        forEachPosition(mine::set);
        boolean[] found = new boolean[1];
        other.forEachPosition(position -> found[0] |= mine.get(position));
        return found[0];
    }

    /** Hands out the positions of its numbers in the record. */
    void forEachPosition(IntConsumer consumer) {
        long[] index = new long[sizes.size()];
        long position = offset;
        for (long left = size(); left > 0; left--) {
            consumer.accept(Math.toIntExact(position));
            for (int axis = index.length - 1; axis >= 0; axis--) {
                position += strides.get(axis);
                if (++index[axis] < sizes.get(axis)) {
                    break;
                }
                position -= strides.get(axis) * index[axis];
                index[axis] = 0;
            }
        }
    }
}
