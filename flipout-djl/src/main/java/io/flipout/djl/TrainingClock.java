package io.flipout.djl;

import io.flipout.djl.checkpoint.CheckpointException;
import io.flipout.djl.checkpoint.SafeTensors;
import io.flipout.schedule.PruningEvent;
import io.flipout.schedule.PruningEvent.Unit;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How far a training has come, and which prunings of its schedule it has done. */
final class TrainingClock {

    private static final Logger logger = LoggerFactory.getLogger(TrainingClock.class);

    private static final String CLOCK = "clock";

    private int prunings;
    private long epochs;
    private long steps;
    private long batches;

    int prunings() {
        return prunings;
    }

    long epochs() {
        return epochs;
    }

    long steps() {
        return steps;
    }

    /** Returns the number of batches that were announced, of which the last may lack its step. */
    long batches() {
        return batches;
    }

    void countEpoch() {
        epochs++;
    }

    void countStep() {
        steps++;
    }

    void countBatch() {
        batches++;
    }

    /** Another trainer goes on: what the last one announced and did not take, is not to come. */
    void beginTrainer() {
        batches = steps;
    }

    /** Tells whether prunings are left. */
    boolean hasNext(List<PruningEvent> events) {
        return prunings < events.size();
    }

    /** Tells whether the next pruning is of that unit, and its time has come. */
    boolean isDue(List<PruningEvent> events, Unit unit, long now) {
        return hasNext(events)
                && events.get(prunings).unit() == unit
                && events.get(prunings).at() <= now;
    }

    /** Tells whether the next pruning comes before training. */
    boolean isDueAtStart(List<PruningEvent> events) {
        return isDue(events, Unit.STEP, 0) || isDue(events, Unit.EPOCH, 0);
    }

    /** Tells whether the next pruning is due by now. */
    boolean isDue(List<PruningEvent> events) {
        return isDue(events, Unit.EPOCH, epochs) || isDue(events, Unit.STEP, steps);
    }

    /** Returns the next pruning, which counts as done from now on. */
    PruningEvent next(List<PruningEvent> events) {
        return events.get(prunings++);
    }

    /** Says of a training that ends before its schedule what is missing, and what would do it. */
    void warnOfWhatIsLeft(PrunedNetwork network) {
        List<PruningEvent> events = network.events();
        if (!hasNext(events)) {
            return;
        }
        PruningEvent next = events.get(prunings);
        PruningEvent last = events.get(events.size() - 1);
        boolean isUntold = next.unit() == Unit.EPOCH && epochs == 0;
        logger.warn(
                "The training has ended after {} and {} with {} of {} prunings done: {} of {}"
                        + " weights are left{}. {}",
                count(epochs, "epoch"),
                count(steps, "step"),
                prunings,
                events.size(),
                network.remaining(),
                network.weights(),
                last.isByThreshold() ? "" : ", where the schedule ends with " + last.keep(),
                isUntold
                        ? "It was told of the end of no epoch: a loop of your own calls"
                                + " trainer.notifyListeners(listener -> listener.onEpoch(trainer))"
                                + " after each."
                        : "The next was to come after "
                                + (next.unit() == Unit.EPOCH ? "epoch " : "step ")
                                + next.at()
                                + ": train that long, or plan the schedule for fewer.");
    }

    private static String count(long number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    void save(Map<String, Object> arrays) {
        arrays.put(CLOCK, new long[] {prunings, epochs, steps, batches});
    }

    /** Goes on from what was saved. */
    void set(Reading saved) {
        prunings = Math.toIntExact(saved.prunings());
        epochs = saved.epochs();
        steps = saved.steps();
        batches = saved.batches();
    }

    /** What a clock showed when it was saved. */
    record Reading(long prunings, long epochs, long steps, long batches) {

        static Reading of(SafeTensors file) throws IOException {
            long[] saved = file.longs(CLOCK, 4);
            if (saved.length < 4) {
                throw new CheckpointException(
                        "The saved training is damaged: it does not tell where it had come to.");
            }
            return new Reading(saved[0], saved[1], saved[2], saved[3]);
        }

        /**
         * Tells whether a schedule is the saved one made longer: what was planned stays, and more
         * may follow from now on.
         *
         * @param events the schedule
         * @param saved the text of the saved one
         */
        boolean isMadeLonger(List<PruningEvent> events, String saved) {
            return IntStream.range(0, events.size())
                    .filter(count -> events.subList(0, count).toString().equals(saved))
                    .mapToObj(count -> events.subList(count, events.size()))
                    .anyMatch(more -> more.stream().allMatch(this::isToCome));
        }

        private boolean isToCome(PruningEvent event) {
            long now = event.unit() == Unit.EPOCH ? epochs : steps;
            return event.at() > 0 && event.at() >= now;
        }
    }
}
