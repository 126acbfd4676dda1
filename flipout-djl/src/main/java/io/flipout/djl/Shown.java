package io.flipout.djl;

import ai.djl.ndarray.NDList;
import io.flipout.signal.GradientProbe;

/** What a network that is shown data answers, whichever its numbers are computed in. */
final class Shown {

    private Shown() {}

    static IllegalStateException noGradient() {
        return new IllegalStateException(
                "No gradient reaches the prunable weights: give the network other batches, or check"
                        + " its initialisation and loss.");
    }

    /** Returns the outputs over the temperature of the probe. */
    static NDList tempered(GradientProbe probe, NDList outputs) {
        if (probe.temperature() == 1) {
            return outputs;
        }
        NDList tempered = new NDList();
        outputs.forEach(output -> tempered.add(output.div(probe.temperature())));
        return tempered;
    }
}
