package io.flipout.method;

import io.flipout.gradient.GaussianNoise;
import io.flipout.gradient.GaussianNoise.Langevin;
import io.flipout.gradient.GradientTerm;
import io.flipout.gradient.NoiseScale;
import io.flipout.gradient.ParameterScope;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The noise term that methods share: λ = 0 means none. */
final class Noise {

    private static final Logger logger = LoggerFactory.getLogger(Noise.class);

    private Noise() {}

    static List<GradientTerm> of(
            float lambda, NoiseScale scale, ParameterScope scope, Optional<Langevin> langevin) {
        if (!(lambda >= 0 && Float.isFinite(lambda))) {
            throw new IllegalArgumentException(
                    "The noise strength must be a number greater than 0, or 0 for none; got "
                            + lambda);
        }
        if (lambda == 0) {
            return List.of();
        }
        GaussianNoise noise = new GaussianNoise(lambda, scale, scope, false, langevin);
        if (scale == NoiseScale.WEIGHT) {
            logger.warn(
                    "Noise measured by the weights (Eq. 3c as printed) makes training diverge at"
                            + " learning rates near 0.1; what the paper's results were made with"
                            + " is measured by the gradient.");
        }
        return List.of(noise);
    }
}
