package io.flipout.signal;

import ai.djl.ndarray.NDArray;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Transfers;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Keeps the last n values that each weight had, recorded after every k-th optimizer step: what the
 * pseudo-bootstrap of Ko et al. estimates the uncertainty of a weight from.
 *
 * <p>It takes 4·n bytes a weight and one pass over the weights a record.
 *
 * @param count n, the number of values kept, at least 2
 * @param every k, the number of steps from one record to the next, at least 1
 */
public record LastValues(int count, int every) implements Signal {

    /**
     * Creates the signal.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public LastValues {
        if (count < 2) {
            throw new IllegalArgumentException(
                    "The number of values kept of a weight must be at least 2, as one has no"
                            + " deviation, got "
                            + count);
        }
        if (every < 1) {
            throw new IllegalArgumentException(
                    "The steps from one record of a weight to the next must be at least 1,"
                            + " got "
                            + every);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Values watch(TrainedTensor tensor) {
        return new Values(tensor);
    }

    /** The last values of one tensor. */
    public final class Values implements Watch {

        private final TrainedTensor tensor;
        private final Deque<NDArray> records = new ArrayDeque<>();

        private Values(TrainedTensor tensor) {
            this.tensor = tensor;
        }

        /** {@inheritDoc} */
        @Override
        public void afterStep() {
            if ((tensor.steps() + 1) % every != 0) {
                return;
            }
            if (records.size() == count) {
                records.remove().close();
            }
            records.add(tensor.values().duplicate());
        }

        /** Leaves the records as they are: what a pruned weight once was, no one asks. */
        @Override
        public void afterPruning() {}

        /** {@inheritDoc} */
        @Override
        public Object snapshot() {
            return records();
        }

        /** {@inheritDoc} */
        @Override
        public void restore(Object snapshot) {
            records.forEach(NDArray::close);
            records.clear();
            for (Object values : (List<?>) snapshot) {
                records.add(tensor.manager().create((float[]) values, tensor.values().getShape()));
            }
        }

        /**
         * Returns the last n values of every weight.
         *
         * @return n arrays, the oldest first, each in row-major order
         * @throws IllegalStateException if fewer than n were recorded yet
         */
        public List<float[]> values() {
            if (records.size() < count) {
                throw new IllegalStateException(
                        "The last "
                                + count
                                + " values of the weights are needed, but only "
                                + records.size()
                                + " were recorded before this pruning: keep fewer, record more"
                                + " often or prune later.");
            }
            return records();
        }

        private List<float[]> records() {
            List<float[]> values = new ArrayList<>();
            records.forEach(record -> values.add(Transfers.floats(record)));
            return values;
        }
    }
}
