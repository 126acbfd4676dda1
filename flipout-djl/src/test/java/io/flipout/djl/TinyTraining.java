package io.flipout.djl;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;
import io.flipout.djl.training.EpochResult;
import io.flipout.djl.training.Sgd;
import io.flipout.djl.training.TrainingLoop;
import io.flipout.mask.BlockPaths;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A network of 6 inputs, 8 hidden units and 3 classes that learns 32 random samples. */
public final class TinyTraining implements AutoCloseable {

    static final int STEPS_PER_EPOCH = 4;

    /** The weights of the two linear layers. */
    static final int WEIGHTS = 6 * 8 + 8 * 3;

    public final Model model = Model.newInstance("tiny");

    public TinyTraining(int seed) {
        Engine.getInstance().setRandomSeed(seed);
        // Where other programs use the cores, threads that wait for one another take ten times as
        // long for so few numbers as one alone.
        JniUtils.setNumThreads(1);
        model.setBlock(
                new SequentialBlock()
                        .add(Linear.builder().setUnits(8).build())
                        .add(BatchNorm.builder().build())
                        .add(Activation::relu)
                        .add(Linear.builder().setUnits(3).build()));
    }

    public static Sgd sgd() {
        return sgd(.1f);
    }

    public static Sgd sgd(float rate) {
        return Sgd.builder()
                .setLearningRateTracker(Tracker.fixed(rate))
                .optMomentum(.9f)
                .optWeightDecays(1e-3f)
                .build();
    }

    public Block block() {
        return model.getBlock();
    }

    /** Trains as any program on DJL does. */
    public void fit(Optimizer optimizer, int epochs, TrainingListener... listeners) {
        prepared(
                optimizer,
                (trainer, data) -> {
                    trainer.setMetrics(new Metrics());
                    EasyTrain.fit(trainer, epochs, data, data);
                },
                listeners);
    }

    /** Trains by our own loop. */
    public List<EpochResult> loop(Optimizer optimizer, int epochs, TrainingListener... listeners) {
        List<EpochResult> results = new ArrayList<>();
        prepared(
                optimizer,
                (trainer, data) ->
                        results.addAll(
                                TrainingLoop.builder()
                                        .setTrainer(trainer)
                                        .setEpochs(epochs)
                                        .setTrain(data)
                                        .optTest(data)
                                        .build()
                                        .run()),
                listeners);
        return results;
    }

    /** What is done with a trainer and its data. */
    @FunctionalInterface
    public interface Work {
        void run(Trainer trainer, ArrayDataset data) throws IOException, TranslateException;
    }

    /** Makes a trainer, initialises the network and hands both over. */
    public void prepared(Optimizer optimizer, Work work, TrainingListener... listeners) {
        prepared(
                new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                        .optOptimizer(optimizer)
                        .addTrainingListeners(listeners),
                work);
    }

    /** Makes a trainer, initialises the network and hands both over. */
    void prepared(TrainingConfig config, Work work) {
        try (Trainer trainer = model.newTrainer(config);
                NDManager manager = NDManager.newBaseManager()) {
            trainer.initialize(new Shape(8, 6));
            work.run(trainer, data(manager));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (TranslateException e) {
            throw new IllegalStateException(e);
        }
    }

    public static ArrayDataset data(NDManager manager) {
        Random random = new Random(1);
        float[] inputs = new float[32 * 6];
        float[] labels = new float[32];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < labels.length; i++) {
            labels[i] = random.nextInt(3);
        }
        return new ArrayDataset.Builder()
                .setData(manager.create(inputs, new Shape(32, 6)))
                .optLabels(manager.create(labels))
                .setSampling(8, false)
                .build();
    }

    /** Returns copies of the trainable parameters by path. */
    public Map<String, float[]> weights() {
        Map<String, float[]> weights = new LinkedHashMap<>();
        for (Map.Entry<String, Parameter> entry :
                BlockPaths.parameters(model.getBlock()).entrySet()) {
            if (entry.getValue().requiresGradient()) {
                weights.put(entry.getKey(), entry.getValue().getArray().toFloatArray());
            }
        }
        return weights;
    }

    @Override
    public void close() {
        model.close();
    }
}
