package io.flipout.cli.bench;

import ai.djl.basicmodelzoo.cv.classification.MobileNetV2;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import io.flipout.models.Models;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * A network whose steps are measured: one that {@code train} knows, or one of DJL's blocks whose
 * weights are many beside what they compute.
 *
 * @param name its name
 * @param input the shape of one example
 * @param words the number of words that examples are made of; 0 where they are real numbers
 * @param block makes it, with scores of ten classes
 */
record BenchNetwork(String name, Shape input, int words, Supplier<Block> block) {

    static final int CLASSES = 10;

    /** The names of DJL's blocks. */
    static final String BLOCKS = "lstm, gru (with an embedding), transformer and mobilenetv2";

    private static final int LENGTH = 20;
    private static final int WORDS = 10_000;

    /**
     * Finds a network by its name.
     *
     * @throws IllegalArgumentException if there is none
     */
    static BenchNetwork get(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "lstm" ->
                    new BenchNetwork(
                            "lstm",
                            new Shape(LENGTH, 64),
                            0,
                            () ->
                                    scored(
                                            LSTM.builder()
                                                    .setStateSize(256)
                                                    .setNumLayers(1)
                                                    .optReturnState(false)
                                                    .build()));
            case "gru" ->
                    new BenchNetwork(
                            "gru",
                            new Shape(LENGTH),
                            WORDS,
                            () ->
                                    scored(
                                            new IdEmbedding.Builder()
                                                    .setDictionarySize(WORDS)
                                                    .setEmbeddingSize(64)
                                                    .build(),
                                            GRU.builder()
                                                    .setStateSize(128)
                                                    .setNumLayers(1)
                                                    .optReturnState(false)
                                                    .build()));
            case "transformer" ->
                    new BenchNetwork(
                            "transformer",
                            new Shape(LENGTH, 128),
                            0,
                            () ->
                                    scored(
                                            new TransformerEncoderBlock(
                                                    128, 4, 512, 0.1f, Activation::relu)));
            case "mobilenetv2" ->
                    new BenchNetwork(
                            "mobilenetv2",
                            new Shape(3, 32, 32),
                            0,
                            () -> MobileNetV2.builder().setOutSize(CLASSES).build());
            default -> of(Models.get(name));
        };
    }

    /** Returns a network that {@code train} knows. */
    static BenchNetwork of(Models network) {
        int channels = (int) network.inputShape().get(0);
        return new BenchNetwork(
                network.id(), network.inputShape(), 0, () -> network.newBlock(channels, CLASSES));
    }

    private static Block scored(Block... layers) {
        SequentialBlock block = new SequentialBlock();
        for (Block layer : layers) {
            block.add(layer);
        }
        return block.addSingleton(states -> states.mean(new int[] {1}))
                .add(Linear.builder().setUnits(CLASSES).build());
    }
}
