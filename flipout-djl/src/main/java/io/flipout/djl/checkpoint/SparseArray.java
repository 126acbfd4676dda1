package io.flipout.djl.checkpoint;

import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.Optional;

/**
 * An array that is 0 for the most part, as positions and values.
 *
 * @param index the positions in order, and behind them the array's length
 * @param values what stands there, an array of the same type
 */
record SparseArray(int[] index, Object values) {

    /** What is added to an array's name for its positions. */
    static final String INDEX = ".index";

    /** What is added to an array's name for its values. */
    static final String VALUE = ".value";

    /** Returns the array in this form where that is smaller. */
    static Optional<SparseArray> of(Object array) {
        int length = Array.getLength(array);
        // Half of the length is the most that pays.
        int[] index = new int[length / 2 + 1];
        int count = 0;
        if (array instanceof float[] floats) {
            for (int i = 0; i < length && count < index.length; i++) {
                index[count] = i;
                count += Float.floatToRawIntBits(floats[i]) == 0 ? 0 : 1;
            }
        } else if (array instanceof int[] ints) {
            for (int i = 0; i < length && count < index.length; i++) {
                index[count] = i;
                count += ints[i] == 0 ? 0 : 1;
            }
        } else {
            return Optional.empty();
        }
        if (2L * count + 1 >= length) {
            return Optional.empty();
        }
        Object values = Array.newInstance(array.getClass().getComponentType(), count);
        for (int i = 0; i < count; i++) {
            System.arraycopy(array, index[i], values, i, 1);
        }
        int[] indexAndLength = Arrays.copyOf(index, count + 1);
        indexAndLength[count] = length;
        return Optional.of(new SparseArray(indexAndLength, values));
    }

    /** Returns the whole array; empty if the parts do not fit each other or it would be longer. */
    Optional<Object> dense(int longest) {
        int count = index.length - 1;
        if (count < 0 || Array.getLength(values) != count) {
            return Optional.empty();
        }
        int length = index[count];
        if (length < count || length > longest) {
            return Optional.empty();
        }
        Object array = Array.newInstance(values.getClass().getComponentType(), length);
        for (int i = 0; i < count; i++) {
            if (index[i] < 0 || index[i] >= length) {
                return Optional.empty();
            }
            System.arraycopy(values, i, array, index[i], 1);
        }
        return Optional.of(array);
    }
}
