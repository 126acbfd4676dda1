package io.flipout.inference.kernel;

/**
 * The weights of a layer, filter by filter: the places and values of those that are not zero.
 *
 * <p>A filter is a row of {@code size} weights, in the order of PyTorch: input channel of the
 * filter's group, kernel row, kernel column.
 */
public final class Filters {

    final int size;
    final int[] starts;
    final int[] places;
    final float[] values;

    private Filters(int size, int[] starts, int[] places, float[] values) {
        this.size = size;
        this.starts = starts;
        this.places = places;
        this.values = values;
    }

    /**
     * Takes the weights that are not zero.
     *
     * @param weights {@code count × size} weights
     * @param count the number of filters
     * @return the filters
     * @throws IllegalArgumentException if the weights do not divide into that many filters
     */
    public static Filters dense(float[] weights, int count) {
        if (count < 1 || weights.length % count != 0 || weights.length == 0) {
            throw new IllegalArgumentException(
                    weights.length + " weights do not make " + count + " filters.");
        }
        int size = weights.length / count;
        int kept = 0;
        for (float weight : weights) {
            if (weight != 0) {
                kept++;
            }
        }
        int[] starts = new int[count + 1];
        int[] places = new int[kept];
        float[] values = new float[kept];
        int at = 0;
        for (int filter = 0; filter < count; filter++) {
            for (int place = 0; place < size; place++) {
                float weight = weights[filter * size + place];
                if (weight != 0) {
                    places[at] = place;
                    values[at++] = weight;
                }
            }
            starts[filter + 1] = at;
        }
        return new Filters(size, starts, places, values);
    }

    /**
     * Takes weights by their places.
     *
     * @param size the weights of a filter, pruned ones included
     * @param starts for each filter the index of its first weight, and at last the number of all
     * @param places where in its filter each weight stands, rising within a filter
     * @param values the weights
     * @return the filters
     * @throws IllegalArgumentException if these do not fit together
     */
    public static Filters sparse(int size, int[] starts, int[] places, float[] values) {
        if (size < 1
                || starts.length < 2
                || starts[0] != 0
                || starts[starts.length - 1] != places.length
                || places.length != values.length) {
            throw new IllegalArgumentException(
                    String.format(
                            "%d starts, %d places and %d values make no filters of %d weights.",
                            starts.length, places.length, values.length, size));
        }
        for (int filter = 0; filter + 1 < starts.length; filter++) {
            if (starts[filter] > starts[filter + 1]) {
                throw new IllegalArgumentException("Filter " + filter + " ends before it starts.");
            }
            int last = -1;
            for (int i = starts[filter]; i < starts[filter + 1]; i++) {
                if (places[i] <= last || places[i] >= size) {
                    throw new IllegalArgumentException(
                            String.format(
                                    "Filter %d has place %d after %d of %d.",
                                    filter, places[i], last, size));
                }
                last = places[i];
            }
        }
        return new Filters(size, starts.clone(), places.clone(), values.clone());
    }

    /**
     * Returns the number of filters.
     *
     * @return 1 or more
     */
    public int count() {
        return starts.length - 1;
    }

    /**
     * Returns the weights of one filter, pruned ones included.
     *
     * @return 1 or more
     */
    public int size() {
        return size;
    }

    /**
     * Returns the number of weights that are not zero.
     *
     * @return 0 or more
     */
    public int kept() {
        return values.length;
    }

    /**
     * Returns all weights, zeros included.
     *
     * @return {@code count × size} weights
     */
    public float[] toDense() {
        float[] weights = new float[Math.multiplyExact(count(), size)];
        for (int filter = 0; filter < count(); filter++) {
            for (int i = starts[filter]; i < starts[filter + 1]; i++) {
                weights[filter * size + places[i]] = values[i];
            }
        }
        return weights;
    }

    @Override
    public String toString() {
        return String.format("%d filters of %d weights, %d kept", count(), size, kept());
    }
}
