package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * Reaches an exact sparsity s by m = round(log(1 − s) / log(1 − r)) prunings, at least one, of the
 * same rate, near the r asked for.
 *
 * <p>They come every f = round(E / (m + 1)) epochs, or every floor((E − 1) / m) where the former
 * would reach the last epoch. The rate is corrected to r' = 1 − (1 − s)^(1/m), so that the i-th
 * pruning keeps round(N·(1 − r')^i) weights and the last one exactly round(N·(1 − s)).
 */
public final class ToSparsitySchedule implements Schedule {

    private final double sparsity;
    private final int prunings;
    private final int period;
    private final int epochs;

    private ToSparsitySchedule(double sparsity, int prunings, int period, int epochs) {
        this.sparsity = sparsity;
        this.prunings = prunings;
        this.period = period;
        this.epochs = epochs;
    }

    /**
     * Returns the number of epochs of the whole training.
     *
     * @return the epochs, all rounds together
     */
    public int epochs() {
        return epochs;
    }

    /**
     * Returns f, the number of epochs from one pruning to the next.
     *
     * @return f, at least 1
     */
    public int period() {
        return period;
    }

    /** {@inheritDoc} */
    @Override
    public List<PruningEvent> events(long weights) {
        List<PruningEvent> events = new ArrayList<>();
        for (int i = 1; i <= prunings; i++) {
            long keep = Sparsity.keep(weights, sparsity, i, prunings);
            events.add(new PruningEvent(Unit.EPOCH, (long) i * period, keep));
        }
        return events;
    }

    /** Builds a {@link ToSparsitySchedule}. */
    public static final class Builder {

        private final double sparsity;
        private double rate = 0.5;
        private int period;

        Builder(double sparsity) {
            Sparsity.check(sparsity);
            this.sparsity = sparsity;
        }

        /**
         * Sets r, the share of the weights alive that a pruning should remove, about.
         *
         * @param rate r, in (0, 1), default 0.5
         * @return this builder
         */
        public Builder atRate(double rate) {
            Sparsity.checkRate(rate);
            this.rate = rate;
            return this;
        }

        /**
         * Sets f, the number of epochs from one pruning to the next, instead of spreading the
         * prunings over the training.
         *
         * @param epochs f, at least 1
         * @return this builder
         */
        public Builder every(int epochs) {
            if (epochs < 1) {
                throw new IllegalArgumentException(
                        "The epochs between prunings must be at least 1, got " + epochs);
            }
            period = epochs;
            return this;
        }

        /**
         * Builds the schedule.
         *
         * @param epochs E, the number of epochs of the training
         * @return the schedule
         * @throws IllegalArgumentException if the prunings do not fit before the last epoch
         */
        public ToSparsitySchedule overEpochs(int epochs) {
            if (epochs < 1) {
                throw new IllegalArgumentException("Epochs must be at least 1, got " + epochs);
            }
            if (sparsity == 0) {
                return new ToSparsitySchedule(0, 0, 1, epochs);
            }
            int m = prunings();
            int f = period > 0 ? period : (int) Math.round(epochs / (m + 1.0));
            if (period == 0 && (long) m * f >= epochs) {
                f = (epochs - 1) / m;
            }
            if (f < 1 || (long) m * f >= epochs) {
                throw new IllegalArgumentException(
                        "A sparsity of "
                                + sparsity
                                + " takes "
                                + m
                                + (m == 1 ? " pruning" : " prunings")
                                + " at a rate of "
                                + rate
                                + ", which needs at least "
                                + ((long) m * Math.max(f, 1) + 1)
                                + " epochs, got "
                                + epochs
                                + ": train longer or raise the pruning rate.");
            }
            return new ToSparsitySchedule(sparsity, m, f, epochs);
        }

        /**
         * Builds the schedule of a training in rounds, each of which but the last ends with a
         * pruning, as the lottery ticket asks for: m + 1 rounds of E epochs.
         *
         * @param epochs E, the number of epochs of one round, at least 1
         * @return the schedule; its {@link ToSparsitySchedule#epochs()} are those of all rounds
         * @throws IllegalArgumentException if the epochs are fewer than 1 or those of all rounds
         *     too many to count
         */
        public ToSparsitySchedule inRoundsOf(int epochs) {
            int rounds = sparsity == 0 ? 1 : prunings() + 1;
            if ((long) rounds * epochs > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(
                        rounds + " rounds of " + epochs + " epochs are too many to count.");
            }
            return every(epochs).overEpochs(rounds * epochs);
        }

        private int prunings() {
            return Math.max(1, (int) Math.round(Math.log1p(-sparsity) / Math.log1p(-rate)));
        }
    }
}
