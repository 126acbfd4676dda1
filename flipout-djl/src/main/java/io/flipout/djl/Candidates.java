package io.flipout.djl;

import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import io.flipout.allocation.Allocation;
import io.flipout.allocation.Candidate;
import io.flipout.allocation.Rehearsal;
import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.schedule.PruningEvent;
import io.flipout.tensor.Randoms;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;

/** How the weights of a network stand for pruning: which filters they make up, and which inputs. */
final class Candidates {

    private final List<ParameterInfo> prunable;
    private final Set<ParameterInfo> outputs;

    Candidates(Block block, List<ParameterInfo> parameters) {
        prunable = parameters.stream().filter(ParameterInfo::prunable).toList();
        outputs = OutputWeights.of(block, parameters);
    }

    /** Makes sure that what is planned can be done, before it is due. */
    void check(Allocation allocation, List<PruningEvent> events) {
        List<Shape> shapes = prunable.stream().map(ParameterInfo::shape).toList();
        int[] filters = prunable.stream().mapToInt(this::filters).toArray();
        if (events.stream().anyMatch(PruningEvent::isByThreshold)) {
            allocation.checkThreshold();
        }
        long[] kept =
                events.stream()
                        .filter(event -> !event.isByThreshold())
                        .mapToLong(PruningEvent::keep)
                        .toArray();
        // Where the pruning that keeps the fewest can go, all can.
        LongStream.of(kept).min().ifPresent(keep -> allocation.check(shapes, filters, keep));
        Rehearsal.of(
                allocation,
                () ->
                        prunable.stream()
                                .map(info -> of(info, random(info), new Mask(info.size())))
                                .toList(),
                kept);
    }

    private static double[] random(ParameterInfo info) {
        return Randoms.stream(0, info.index()).doubles(info.size()).toArray();
    }

    Candidate of(ParameterInfo info, double[] scores, Mask mask) {
        int filters = filters(info);
        return new Candidate(
                info.path(),
                scores,
                mask,
                filters,
                filters == 1 ? index -> 0 : info.connections()::output,
                info.shape(),
                inputAxis(info));
    }

    /**
     * Returns the number of filters that can be done without: none of an output layer, nor of
     * layers whose parts are no filters.
     */
    private int filters(ParameterInfo info) {
        return switch (info.role().kind()) {
            case EMBEDDING, RECURRENT_WEIGHT -> 1;
            default -> outputs.contains(info) ? 1 : info.connections().outputs();
        };
    }

    /** Returns the axis along which the inputs of a layer lie; −1 where there are none. */
    private static int inputAxis(ParameterInfo info) {
        int rank = info.shape().dimension();
        return rank < 2
                ? -1
                : switch (info.role().kind()) {
                    case WEIGHT, RECURRENT_WEIGHT -> 1;
                    case TRANSPOSED_WEIGHT -> 0;
                    case WEIGHT_COLLECTION -> rank - 2;
                    default -> -1;
                };
    }
}
