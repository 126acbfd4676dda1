package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * The paper's schedule: every f epochs, floor(r·A) of the A weights alive are pruned, but not at
 * the last epoch.
 *
 * <p>With m prunings the density ends at about (1 − r)^m. Table 1 of the paper is r = 0.5, E = 350
 * and f = 117, 70, 50, 39, 32.
 */
public final class PeriodicSchedule implements Schedule {

    private final double rate;
    private final int period;
    private final int epochs;

    private PeriodicSchedule(double rate, int period, int epochs) {
        this.rate = rate;
        this.period = period;
        this.epochs = epochs;
    }

    /** {@inheritDoc} */
    @Override
    public List<PruningEvent> events(long weights) {
        List<PruningEvent> events = new ArrayList<>();
        long alive = weights;
        for (int epoch = period; epoch < epochs; epoch += period) {
            alive -= (long) Math.floor(rate * alive);
            events.add(new PruningEvent(Unit.EPOCH, epoch, alive));
        }
        return events;
    }

    /** Builds a {@link PeriodicSchedule}. */
    public static final class Builder {

        private final double rate;
        private int period;

        Builder(double rate) {
            Sparsity.checkRate(rate);
            this.rate = rate;
        }

        /**
         * Sets f, the number of epochs from one pruning to the next.
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
         * @throws IllegalArgumentException if f is missing, or no pruning fits before the last
         *     epoch
         */
        public PeriodicSchedule overEpochs(int epochs) {
            if (period < 1) {
                throw new IllegalArgumentException(
                        "The schedule needs the epochs between prunings: every(epochs).");
            }
            if (period >= epochs) {
                throw new IllegalArgumentException(
                        "A pruning every "
                                + period
                                + " epochs never comes in a training of "
                                + epochs
                                + ", as the last epoch does not prune: use fewer epochs between"
                                + " prunings or train longer.");
            }
            return new PeriodicSchedule(rate, period, epochs);
        }
    }
}
