package io.flipout.inference.engine;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.pooling.Pool;
import io.flipout.djl.torchscript.Compression;
import io.flipout.djl.torchscript.ScriptMetadata;
import io.flipout.djl.torchscript.TorchScriptExporter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A small pruned network of images, exported. */
final class Exported {

    static final Shape IMAGE = new Shape(3, 8, 8);

    static final ScriptMetadata METADATA =
            new ScriptMetadata(
                    List.of(3L, 8L, 8L),
                    List.of(.5f, .4f, .3f),
                    List.of(.25f, .2f, .3f),
                    List.of("one", "two", "three", "four"),
                    "flipout",
                    .5,
                    false,
                    Map.of());

    private Exported() {}

    static Path write(Path file) throws IOException {
        Block block =
                new SequentialBlock()
                        .add(
                                Conv2d.builder()
                                        .setKernelShape(new Shape(3, 3))
                                        .optPadding(new Shape(1, 1))
                                        .setFilters(6)
                                        .build())
                        .add(BatchNorm.builder().build())
                        .add(Activation.reluBlock())
                        .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
                        .add(Blocks.batchFlattenBlock())
                        .add(Linear.builder().setUnits(4).build());
        try (Model model = Model.newInstance("small", "PyTorch")) {
            model.setBlock(block);
            block.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1).addAll(IMAGE));
            Random random = new Random(1);
            for (Parameter parameter : block.getParameters().values()) {
                NDArray array = parameter.getArray();
                float[] values = array.toFloatArray();
                for (int i = 0; i < values.length; i++) {
                    boolean pruned = array.getShape().dimension() > 1 && random.nextBoolean();
                    values[i] = pruned ? 0 : random.nextFloat() + .1f;
                }
                array.set(values);
            }
            TorchScriptExporter.builder()
                    .optCompression(Compression.SPARSE)
                    .optMetadata(METADATA)
                    .build()
                    .export(block, file, new Shape(1).addAll(IMAGE));
        }
        return file;
    }

    /** Images of noise. */
    static float[] images(int count, long seed) {
        Random random = new Random(seed);
        float[] images = new float[count * (int) IMAGE.size()];
        for (int i = 0; i < images.length; i++) {
            images[i] = (float) random.nextGaussian();
        }
        return images;
    }
}
