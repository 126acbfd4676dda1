package io.flipout.gradient;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.training.tracker.Tracker;
import io.flipout.mask.ParameterInfo;
import io.flipout.tensor.Chunks;
import io.flipout.tensor.DeviceStep;
import io.flipout.tensor.EngineDraws;
import io.flipout.tensor.NormalNumbers;
import io.flipout.tensor.Piece;
import io.flipout.tensor.Randoms;
import io.flipout.tensor.Scalars;
import io.flipout.tensor.StepPass;
import io.flipout.tensor.TrainedTensor;
import io.flipout.tensor.Update;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * FlipOut's gradient noise (section 2.3): {@code g ← g + λ·σ·z}, z ~ N(0, I) drawn afresh in every
 * step, σ the root mean square of the tensor's gradient or of its weights, or independent of both:
 * see {@link NoiseScale}.
 *
 * <p>It makes weights flip that keep aiming at 0 and fall short. As σ is taken over the whole
 * tensor and pruned weights have no gradient, the noise fades while the tensor empties.
 *
 * <p>What is drawn depends on the seed, the step and the position of the weight, not on the order
 * of updates, the number of threads or the device mirror. In the host's memory it takes two passes
 * over the gradient, and draws only for weights that are alive; elsewhere the engine draws the
 * noise of all parameters in one go, and its generator is set by seed and step before that
 * (Engine.setRandomSeed), for whatever else it draws too.
 *
 * @param lambda λ, the strength of the noise, greater than 0
 * @param scale what σ is measured by
 * @param scope which parameters get noise
 * @param everywhere whether weights that are not alive get it too, for methods that rewire by it
 * @param langevin what Langevin noise is measured by; empty for all other noise
 */
public record GaussianNoise(
        float lambda,
        NoiseScale scale,
        ParameterScope scope,
        boolean everywhere,
        Optional<Langevin> langevin)
        implements GradientTerm {

    /** The exponent of the annealed variance. */
    private static final double ANNEALING = 0.55;

    /**
     * What Langevin noise is measured by.
     *
     * @param examples N, the number of examples whose mean loss is trained, at least 1
     * @param learningRate η by the number of the step, from 1, as the optimizer has it
     */
    public record Langevin(long examples, Tracker learningRate) {

        /**
         * Creates the measure.
         *
         * @throws IllegalArgumentException if the examples are fewer than 1
         */
        public Langevin {
            Objects.requireNonNull(learningRate, "Langevin noise needs a learning rate");
            if (examples < 1) {
                throw new IllegalArgumentException(
                        "The examples of Langevin noise must be at least 1, got " + examples);
            }
        }
    }

    /**
     * Creates the term.
     *
     * @throws IllegalArgumentException if λ is not a positive number, or it is Langevin noise
     *     without its measure
     */
    public GaussianNoise {
        if (scale == NoiseScale.LANGEVIN && langevin.isEmpty()) {
            throw new IllegalArgumentException(
                    "Langevin noise depends on the number of examples and the learning rate: give"
                            + " them, optLangevin(examples, learningRate).");
        }
        if (!(lambda > 0) || Float.isInfinite(lambda)) {
            throw new IllegalArgumentException(
                    "The noise strength must be a number greater than 0, got " + lambda);
        }
    }

    /**
     * Creates the term for weights that are alive.
     *
     * @param lambda λ, the strength of the noise, greater than 0
     * @param scale what σ is measured by
     * @param scope which parameters get noise
     * @throws IllegalArgumentException if λ is not a positive number
     */
    public GaussianNoise(float lambda, NoiseScale scale, ParameterScope scope) {
        this(lambda, scale, scope, false);
    }

    /**
     * Creates the term of any noise but Langevin's.
     *
     * @param lambda λ, the strength of the noise, greater than 0
     * @param scale what σ is measured by
     * @param scope which parameters get noise
     * @param everywhere whether weights that are not alive get it too
     * @throws IllegalArgumentException if λ is not a positive number
     */
    public GaussianNoise(float lambda, NoiseScale scale, ParameterScope scope, boolean everywhere) {
        this(lambda, scale, scope, everywhere, Optional.empty());
    }

    /** {@inheritDoc} */
    @Override
    public Running start(List<ParameterInfo> parameters, long seed) {
        return new RunningNoise(parameters, seed);
    }

    private boolean isMeasured() {
        return scale == NoiseScale.GRADIENT || scale == NoiseScale.WEIGHT;
    }

    /** Returns σ of noise that depends on the step alone, after so many steps. */
    private double deviation(long steps) {
        return switch (scale) {
            case ANNEALED -> Math.sqrt(lambda / Math.pow(1d + steps, ANNEALING));
            case LANGEVIN -> {
                Langevin measure = langevin.orElseThrow();
                float rate = measure.learningRate().getNewValue(Math.toIntExact(steps + 1));
                yield lambda * Math.sqrt(2 / (measure.examples() * (double) rate));
            }
            default -> lambda;
        };
    }

    private final class RunningNoise implements Running {

        private final long seed;
        private final EngineNoise engineNoise;

        RunningNoise(List<ParameterInfo> parameters, long seed) {
            this.seed = seed;
            engineNoise = new EngineNoise(parameters, seed);
        }

        private boolean isNoisy(ParameterInfo info) {
            return scope == ParameterScope.ALL || info.prunable();
        }

        @Override
        public void apply(TrainedTensor tensor, NDArray gradient) {
            if (!isNoisy(tensor.info())) {
                return;
            }
            Update update = Update.of(tensor, tensor.values(), gradient);
            if (update.isOnHost()) {
                List<Update> step = List.of(update);
                StepPass.Work noise = inPieces(step).orElseThrow();
                StepPass.over(step, List.of(noise, Piece::changeGradients));
            } else {
                NDArray measured = scale == NoiseScale.GRADIENT ? gradient : tensor.values();
                try (NDArray drawn = engineNoise.of(tensor);
                        NDArray noise = scaled(drawn, tensor, measured)) {
                    if (!everywhere && tensor.mask().isPresent()) {
                        noise.muli(tensor.deviceMask());
                    }
                    gradient.addi(noise);
                }
            }
        }

        /** Not in place: the parameter's next mirror draws from the same numbers. */
        private NDArray scaled(NDArray drawn, TrainedTensor tensor, NDArray measured) {
            try (NDManager scratch = tensor.manager().newSubManager()) {
                if (!isMeasured()) {
                    return drawn.mul(Scalars.of(deviation(tensor.steps()), scratch));
                }
                NDArray sigma = measured.norm();
                sigma.attach(scratch);
                double share = lambda / Math.sqrt(tensor.info().size());
                return drawn.mul(sigma.muli(Scalars.of(share, scratch)));
            }
        }

        @Override
        public Optional<StepPass.Work> inPieces(List<Update> step) {
            float[] sigma = isMeasured() ? measured(step) : new float[step.size()];
            for (int i = 0; i < sigma.length; i++) {
                TrainedTensor tensor = step.get(i).pruned();
                if (!isNoisy(tensor.info())) {
                    sigma[i] = 0;
                } else if (!isMeasured()) {
                    sigma[i] = (float) deviation(tensor.steps());
                }
            }
            return Optional.of(
                    piece -> {
                        if (sigma[piece.tensor()] != 0) {
                            add(piece, sigma[piece.tensor()]);
                        }
                    });
        }

        /** Sums each piece by itself and the pieces in order, so that threads change nothing. */
        private float[] measured(List<Update> step) {
            double[][] squares =
                    step.stream()
                            .map(update -> new double[Chunks.count(update.size())])
                            .toArray(double[][]::new);
            StepPass.over(
                    step,
                    List.of(
                            piece ->
                                    squares[piece.tensor()][piece.chunk()] =
                                            piece.squares(
                                                    scale == NoiseScale.GRADIENT
                                                            ? piece.gradients()
                                                            : piece.weights())));
            float[] sigma = new float[step.size()];
            for (int i = 0; i < sigma.length; i++) {
                double sum = 0;
                for (double part : squares[i]) {
                    sum += part;
                }
                sigma[i] = (float) (lambda * Math.sqrt(sum) / Math.sqrt(step.get(i).size()));
            }
            return sigma;
        }

        private void add(Piece piece, float sigma) {
            TrainedTensor tensor = piece.update().pruned();
            NormalNumbers numbers =
                    new NormalNumbers(
                            Randoms.key(
                                    seed, tensor.steps(), tensor.info().index(), piece.chunk()));
            if (everywhere || piece.isDense()) {
                numbers.addTo(piece.gradients(), piece.size(), sigma);
            } else {
                numbers.addTo(piece.gradients(), piece.alive(), piece.countAlive(), sigma);
            }
        }

        @Override
        public boolean apply(DeviceStep step) {
            float[] shares = new float[step.updates().size()];
            for (int i = 0; i < shares.length; i++) {
                TrainedTensor tensor = step.updates().get(i).pruned();
                double share =
                        isMeasured()
                                ? lambda / Math.sqrt(tensor.info().size())
                                : deviation(tensor.steps());
                shares[i] = isNoisy(tensor.info()) ? (float) share : 0;
            }
            NDArray sigma = step.constant(this, shares);
            if (isMeasured()) {
                NDArray measured = scale == NoiseScale.GRADIENT ? step.gradients() : step.weights();
                sigma = step.norms(measured).muli(sigma);
            }
            NDArray noise = step.own(engineNoise.of(step).mul(step.spread(sigma)));
            step.gradients().addi(everywhere ? noise : step.masked(noise));
            return true;
        }

        @Override
        public void close() {
            engineNoise.close();
        }
    }

    /** The noise of all parameters for one step, drawn by the engine in block order. */
    private static final class EngineNoise {

        private final Map<Integer, Integer> offsets = new HashMap<>();
        private final EngineDraws draws;

        EngineNoise(List<ParameterInfo> parameters, long seed) {
            int total = 0;
            for (ParameterInfo info : parameters) {
                offsets.put(info.index(), total);
                total = Math.addExact(total, info.size());
            }
            draws = new EngineDraws(total, seed, false);
        }

        private NDArray all(TrainedTensor tensor, Device device) {
            // It outlives the tensor that happens to come first, but not the network.
            return draws.at(tensor.steps(), device, tensor.manager().getParentManager());
        }

        /** Returns a view of the tensor's share, which the caller closes. */
        NDArray of(TrainedTensor tensor) {
            NDArray all = all(tensor, tensor.values().getDevice());
            int offset = offsets.get(tensor.info().index());
            try (NDArray share =
                    all.get(new NDIndex("{}:{}", offset, offset + tensor.info().size()))) {
                NDArray shaped = share.reshape(tensor.values().getShape());
                shaped.attach(tensor.manager());
                return shaped;
            }
        }

        /**
         * Returns the numbers of all tensors of a step, in its order: the same as those of single
         * tensors.
         */
        NDArray of(DeviceStep flat) {
            NDArray all = all(flat.updates().get(0).pruned(), flat.device());
            if (flat.updates().size() == offsets.size()) {
                return all;
            }
            NDList shares = new NDList();
            for (Update update : flat.updates()) {
                TrainedTensor tensor = update.pruned();
                int offset = offsets.get(tensor.info().index());
                NDIndex share = new NDIndex("{}:{}", offset, offset + tensor.info().size());
                shares.add(flat.own(all.get(share)));
            }
            return flat.own(NDArrays.concat(shares));
        }

        void close() {
            draws.close();
        }
    }
}
