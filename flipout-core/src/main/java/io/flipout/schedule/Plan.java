package io.flipout.schedule;

import io.flipout.schedule.PruningEvent.Unit;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The prunings of a schedule for a network, checked before any of them is due. */
public final class Plan {

    private Plan() {}

    /**
     * Asks a schedule for its prunings.
     *
     * @param schedule the schedule, of whatever origin
     * @param weights the number of prunable weights, N
     * @return its events
     * @throws IllegalArgumentException if they are not in order of time, one keeps more weights
     *     than there are or than the one before, or none; the sentence names the event
     */
    public static List<PruningEvent> of(Schedule schedule, long weights) {
        List<PruningEvent> events = List.copyOf(schedule.events(weights));
        Map<Unit, Long> times = new EnumMap<>(Unit.class);
        long alive = weights;
        for (PruningEvent event : events) {
            Long before = times.put(event.unit(), event.at());
            check(event.at() >= 0, event, "is planned for a time before the training begins");
            check(
                    before == null || event.at() >= before,
                    event,
                    "comes after one at " + before + ": list prunings in order of time");
            if (!event.isByThreshold()) {
                check(event.keep() >= 1, event, "keeps no weight");
                check(
                        event.keep() <= alive,
                        event,
                        "keeps more than the " + alive + " that are alive by then");
                alive = event.keep();
            }
        }
        return events;
    }

    private static void check(boolean holds, PruningEvent event, String fault) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "The schedule's pruning down to "
                            + event.keep()
                            + " weights after "
                            + (event.unit() == Unit.EPOCH ? "epoch " : "step ")
                            + event.at()
                            + " "
                            + fault
                            + ".");
        }
    }
}
