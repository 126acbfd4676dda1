package io.flipout.djl.torchscript;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.Pair;
import ai.djl.util.PairList;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Trains a network of DJL blocks whose forward pass is one call into PyTorch, in place of a call
 * for every operation: the network as it is exported, with the block's own parameters.
 *
 * <pre>{@code
 * try (Trainer trainer =
 *         ScriptedTrainer.builder()
 *                 .setModel(model)
 *                 .setConfig(config)
 *                 .optPrecision(Precision.BFLOAT16)
 *                 .build()) {
 *     trainer.initialize(new Shape(1, 3, 32, 32));
 *     EasyTrain.fit(trainer, 10, train, test); // or TrainingLoop, as with any other trainer
 * }
 * }</pre>
 *
 * <p>It stands in the place of {@code model.newTrainer(config)}. Model, block and parameters are
 * those that they were: they are trained, pruned, saved and exported as ever, and {@link #evaluate}
 * computes the block itself, in float32. In float32 losses and weights are the block's bit for bit;
 * but linear layers over sequences (inputs of more than two axes), whose bias PyTorch adds within
 * the product here, are rounded otherwise. A training repeats itself bit for bit on a CPU.
 *
 * <p>The block is run a few times, on copies of its parameters, on arrays that write down what it
 * does while it is trained, when the first batch comes. What it decides in Java then stays as it
 * was decided: a block that draws by itself whether to leave out a layer, or that changes with the
 * number of steps, is not to be trained so. Dropout and what else the engine draws is drawn anew
 * every time.
 *
 * <p>It needs {@code ai.djl.pytorch:pytorch-engine} at run time.
 */
public final class ScriptedTrainer extends Trainer {

    private ScriptedTrainer(Model shown, TrainingConfig config) {
        super(shown, config);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns the model that is trained.
     *
     * @return the model as it was given, with its block
     */
    @Override
    public Model getModel() {
        // A field would not be there yet when listeners are told of the beginning.
        return ((ShownModel) Proxy.getInvocationHandler(super.getModel())).model();
    }

    /** The model as the trainer sees it: all the same but for the block. */
    private record ShownModel(Model model, Block block) implements InvocationHandler {

        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            return method.getName().equals("getBlock")
                    ? block
                    : TracedArray.call(method, model, arguments);
        }
    }

    /** The block as the trainer sees it: all the same but for the forward pass of a training. */
    private record ShownBlock(Block block, ScriptedForward forward) implements InvocationHandler {

        @Override
        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            if (method.getName().equals("forward")) {
                Object third = arguments[2];
                boolean hasMore = arguments.length > 3 && !isEmpty((PairList<?, ?>) arguments[3]);
                if (!hasMore && !Boolean.FALSE.equals(third)) {
                    return forward.forward(
                            (ParameterStore) arguments[0],
                            (NDList) arguments[1],
                            third instanceof NDList labels ? labels : null);
                }
            }
            return TracedArray.call(method, block, arguments);
        }

        private static boolean isEmpty(PairList<?, ?> more) {
            return more == null || more.isEmpty();
        }
    }

    /** Builds a {@link ScriptedTrainer}. */
    public static final class Builder {

        private Model model;
        private TrainingConfig config;
        private Precision precision = Precision.FLOAT32;
        private final Map<String, Operation> operations = new HashMap<>();

        private Builder() {}

        /**
         * Sets the model.
         *
         * @param model the model of a network of blocks
         * @return this builder
         */
        public Builder setModel(Model model) {
            this.model = model;
            return this;
        }

        /**
         * Sets how it is trained.
         *
         * @param config the configuration, as for {@link Model#newTrainer}
         * @return this builder
         */
        public Builder setConfig(TrainingConfig config) {
            this.config = config;
            return this;
        }

        /**
         * Sets what convolutions and linear layers compute in.
         *
         * @param precision the precision, default {@link Precision#FLOAT32}
         * @return this builder
         */
        public Builder optPrecision(Precision precision) {
            this.precision = precision;
            return this;
        }

        /**
         * Registers how a method is written in TorchScript, in place of a translation that exists.
         *
         * @param method the name of a method of {@link ai.djl.ndarray.NDArray} or {@link
         *     ai.djl.ndarray.internal.NDArrayEx}
         * @param operation its translation
         * @return this builder
         */
        public Builder optOperation(String method, Operation operation) {
            operations.put(method, operation);
            return this;
        }

        /**
         * Builds the trainer.
         *
         * @return the trainer; the caller closes it
         * @throws TorchScriptException if the network is TorchScript already, or a device does not
         *     compute in the precision
         */
        public ScriptedTrainer build() {
            Objects.requireNonNull(model, "Set the model by setModel.");
            Objects.requireNonNull(config, "Set the configuration by setConfig.");
            Block block =
                    Objects.requireNonNull(
                            model.getBlock(), "The model has no block: call model.setBlock.");
            refuseModules("", block);
            if (precision == Precision.BFLOAT16) {
                for (Device device : config.getDevices()) {
                    BFloat16.check(device);
                }
            }
            // What a model does for a trainer of its own, such as to thaw what was loaded.
            model.newTrainer(
                            new DefaultTrainingConfig(config.getLossFunction())
                                    .optDevices(config.getDevices()))
                    .close();
            for (Pair<Initializer, Predicate<Parameter>> pair : config.getInitializers()) {
                if (pair.getKey() != null && pair.getValue() != null) {
                    block.setInitializer(pair.getKey(), pair.getValue());
                }
            }
            ScriptedForward forward = new ScriptedForward(block, precision, operations);
            return new ScriptedTrainer(
                    shown(
                            Model.class,
                            new ShownModel(
                                    model, shown(Block.class, new ShownBlock(block, forward)))),
                    config);
        }

        private static void refuseModules(String path, Block block) {
            if (block instanceof SymbolBlock) {
                throw new TorchScriptException(
                        path.isEmpty()
                                ? "The network is TorchScript already, computed in one call as it"
                                        + " is: train it by model.newTrainer(config)."
                                : "The block "
                                        + path
                                        + " is a TorchScript module, which cannot be part of"
                                        + " another: train the network by"
                                        + " model.newTrainer(config).");
            }
            for (Pair<String, Block> child : block.getChildren()) {
                refuseModules(
                        path.isEmpty() ? child.getKey() : path + "." + child.getKey(),
                        child.getValue());
            }
        }

        private static <T> T shown(Class<T> type, InvocationHandler handler) {
            return type.cast(
                    Proxy.newProxyInstance(
                            ScriptedTrainer.class.getClassLoader(),
                            new Class<?>[] {type},
                            handler));
        }
    }
}
