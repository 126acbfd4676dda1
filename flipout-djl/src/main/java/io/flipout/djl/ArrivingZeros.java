package io.flipout.djl;

import io.flipout.mask.Mask;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.Transfers;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The zeros that a network arrives with, as one does that is pruned already. */
final class ArrivingZeros {

    private static final Logger logger = LoggerFactory.getLogger(ArrivingZeros.class);

    /** The share of zeros, which initialisations hardly draw, above which a network is pruned. */
    private static final double ARRIVES_PRUNED = .01;

    private ArrivingZeros() {}

    /** Returns the mask that prunes what is 0. */
    static Mask mask(ParameterInfo info) {
        Mask mask = new Mask(info.size());
        float[] values = Transfers.floats(info.parameter().getArray());
        for (int i = 0; i < values.length; i++) {
            if (values[i] == 0) {
                mask.prune(i);
            }
        }
        return mask;
    }

    /** Tells of a network that comes pruned and is to be trained as if it were not. */
    static void warn(List<ParameterInfo> parameters, Map<String, Mask> masks, Advice advice) {
        long weights = masks.values().stream().mapToLong(Mask::size).sum();
        long zeros = 0;
        for (ParameterInfo info : parameters) {
            if (info.prunable()) {
                Mask values = mask(info);
                // A tensor of zeros alone is one that is initialised so.
                zeros +=
                        values.remaining() == 0
                                ? 0
                                : masks.get(info.path()).remaining() - values.remaining();
            }
        }
        if (zeros > weights * ARRIVES_PRUNED) {
            logger.warn(
                    "{} of {} weights are exactly 0, as in a network that is pruned already, and"
                            + " training brings them back: {} keeps them 0.",
                    zeros,
                    weights,
                    advice.keepZeros());
        }
    }
}
