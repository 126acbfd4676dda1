package io.flipout.criterion;

import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.signal.Signal;
import java.util.List;

/**
 * What a criterion sees of one prunable tensor at a pruning event.
 *
 * @param info the parameter
 * @param weights its values in row-major order, 0 where pruned; not to be written to
 * @param mask which of them are alive
 * @param watches what the method's signals have seen of it
 * @param seed a seed for whatever is drawn at random, different at every event
 */
public record TensorView(
        ParameterInfo info, float[] weights, Mask mask, List<Signal.Watch> watches, long seed) {

    /**
     * Returns what a signal has seen.
     *
     * @param <W> the type of watch
     * @param type the type of watch
     * @return the watch
     * @throws IllegalStateException if the method has no such signal
     */
    public <W extends Signal.Watch> W watch(Class<W> type) {
        return watches.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The criterion needs "
                                                + type.getName()
                                                + ", but its method lists no such signal."));
    }
}
