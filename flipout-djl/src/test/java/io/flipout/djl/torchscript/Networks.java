package io.flipout.djl.torchscript;

import ai.djl.basicmodelzoo.basic.Mlp;
import ai.djl.basicmodelzoo.cv.classification.AlexNet;
import ai.djl.basicmodelzoo.cv.classification.GoogLeNet;
import ai.djl.basicmodelzoo.cv.classification.LeNet;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV1;
import ai.djl.basicmodelzoo.cv.classification.MobileNetV2;
import ai.djl.basicmodelzoo.cv.classification.NiN;
import ai.djl.basicmodelzoo.cv.classification.ResNetV1;
import ai.djl.basicmodelzoo.cv.classification.SqueezeNet;
import ai.djl.basicmodelzoo.cv.classification.VGG;
import ai.djl.basicmodelzoo.cv.object_detection.ssd.SingleShotDetection;
import ai.djl.basicmodelzoo.cv.object_detection.yolo.YOLOV3;
import ai.djl.basicmodelzoo.tabular.TabNet;
import ai.djl.engine.Engine;
import ai.djl.modality.nlp.DefaultVocabulary;
import ai.djl.modality.nlp.embedding.TrainableWordEmbedding;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.internal.NDArrayEx;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv1d;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.convolutional.Conv3d;
import ai.djl.nn.core.ConstantEmbedding;
import ai.djl.nn.core.Linear;
import ai.djl.nn.core.LinearCollection;
import ai.djl.nn.core.Multiplication;
import ai.djl.nn.core.SparseMax;
import ai.djl.nn.norm.BatchNorm;
import ai.djl.nn.norm.Dropout;
import ai.djl.nn.norm.GhostBatchNorm;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.transformer.BertBlock;
import ai.djl.nn.transformer.BertPretrainingBlock;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.initializer.NormalInitializer;
import io.flipout.models.Models;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** Networks to export: this project's, those of DJL's model zoo, and DJL's blocks one by one. */
record Networks(String name, Supplier<Block> block, Shape[] shapes, DataType[] types) {

    @Override
    public String toString() {
        return name;
    }

    /** Returns the network with random weights and statistics; the caller closes the manager. */
    Block initialize(NDManager manager) {
        Engine.getInstance().setRandomSeed(1);
        Block network = block.get();
        network.setInitializer(new NormalInitializer(0.1f), Parameter.Type.BIAS);
        network.setInitializer(new NormalInitializer(0.1f), Parameter.Type.BETA);
        network.initialize(manager, DataType.FLOAT32, shapes);
        return network;
    }

    /** Returns inputs of so many examples. */
    NDList inputs(NDManager manager, int batch) {
        NDList inputs = new NDList();
        for (int i = 0; i < shapes.length; i++) {
            long[] sizes = shapes[i].getShape().clone();
            sizes[0] = batch;
            inputs.add(
                    i < types.length
                            ? manager.ones(new Shape(sizes), types[i])
                            : manager.randomNormal(new Shape(sizes)));
        }
        return inputs;
    }

    private static Networks of(String name, Supplier<Block> block, Shape... shapes) {
        return new Networks(name, block, shapes, new DataType[0]);
    }

    /** This project's networks. */
    static List<Networks> own() {
        List<Networks> list = new ArrayList<>();
        for (Models model : Models.values()) {
            int channels = (int) model.inputShape().get(0);
            list.add(
                    of(
                            model.id(),
                            () -> model.newBlock(channels, 10),
                            new Shape(1).addAll(model.inputShape())));
        }
        return list;
    }

    /** DJL's model zoo. */
    static List<Networks> zoo() {
        Shape photo = new Shape(1, 3, 224, 224);
        Shape small = new Shape(1, 3, 32, 32);
        return List.of(
                of("Mlp", () -> new Mlp(784, 10, new int[] {128, 64}), new Shape(1, 784)),
                of("LeNet", () -> LeNet.builder().build(), new Shape(1, 1, 28, 28)),
                of("AlexNet", () -> AlexNet.builder().build(), new Shape(1, 1, 224, 224)),
                of("VGG", () -> VGG.builder().build(), new Shape(1, 1, 64, 64)),
                of("GoogLeNet", () -> GoogLeNet.builder().build(), new Shape(1, 1, 96, 96)),
                of("NiN", () -> NiN.builder().build(), new Shape(1, 1, 224, 224)),
                of("SqueezeNet", () -> SqueezeNet.squeezenet(10), photo),
                of("MobileNetV1", () -> MobileNetV1.builder().setOutSize(10).build(), small),
                of("MobileNetV2", () -> MobileNetV2.builder().setOutSize(10).build(), small),
                of("ResNet-18", () -> resnet(18, new Shape(3, 32, 32)), small),
                of("ResNet-50", () -> resnet(50, new Shape(3, 32, 32)), small),
                of(
                        "TabNet",
                        () -> TabNet.builder().setInputDim(16).setOutDim(4).build(),
                        new Shape(1, 16)),
                of("YOLOv3", () -> YOLOV3.builder().setNumClasses(4).build(), photo),
                of("SSD", Networks::ssd, new Shape(1, 3, 64, 64)));
    }

    private static Block resnet(int layers, Shape image) {
        return ResNetV1.builder().setNumLayers(layers).setOutSize(10).setImageShape(image).build();
    }

    private static Block ssd() {
        SequentialBlock base = new SequentialBlock();
        base.add(SingleShotDetection.getDownSamplingBlock(8));
        base.add(SingleShotDetection.getDownSamplingBlock(16));
        List<List<Float>> sizes = new ArrayList<>();
        List<List<Float>> ratios = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ratios.add(List.of(1f, 2f, 0.5f));
            sizes.add(List.of(0.2f + 0.1f * i, 0.3f + 0.1f * i));
        }
        return SingleShotDetection.builder()
                .setNumClasses(2)
                .setNumFeatures(3)
                .optGlobalPool(true)
                .setRatios(ratios)
                .setSizes(sizes)
                .setBaseNetwork(base)
                .build();
    }

    /**
     * DJL's blocks and array methods. DJL hands the weights of recurrent blocks of several layers
     * or directions to PyTorch in a wrong order, so these are of one.
     */
    static List<Networks> blocks() {
        List<Networks> list = new ArrayList<>();
        Shape image = new Shape(1, 3, 8, 8);
        Shape sequence = new Shape(1, 5, 4);
        list.add(
                of(
                        "Conv1d",
                        () ->
                                Conv1d.builder()
                                        .setKernelShape(new Shape(3))
                                        .setFilters(6)
                                        .optPadding(new Shape(1))
                                        .build(),
                        new Shape(1, 4, 9)));
        list.add(
                of(
                        "Conv2d in groups, dilated",
                        () ->
                                Conv2d.builder()
                                        .setKernelShape(new Shape(3, 3))
                                        .setFilters(6)
                                        .optGroups(3)
                                        .optDilation(new Shape(2, 2))
                                        .build(),
                        image));
        list.add(
                of(
                        "Conv3d",
                        () ->
                                Conv3d.builder()
                                        .setKernelShape(new Shape(2, 2, 2))
                                        .setFilters(3)
                                        .build(),
                        new Shape(1, 2, 4, 4, 4)));
        list.add(of("Linear", () -> Linear.builder().setUnits(3).build(), new Shape(1, 5)));
        list.add(
                of("Linear over a sequence", () -> Linear.builder().setUnits(3).build(), sequence));
        list.add(
                of(
                        "LinearCollection",
                        () -> LinearCollection.builder().setUnits(3).build(),
                        sequence));
        list.add(
                of(
                        "Multiplication",
                        () -> Multiplication.builder().setUnits(3).build(),
                        new Shape(1, 4)));
        list.add(of("SparseMax", () -> new SparseMax(-1, 2), new Shape(1, 5)));
        list.add(of("BatchNorm", () -> BatchNorm.builder().build(), image));
        list.add(
                of(
                        "BatchNorm over the last axis",
                        () -> BatchNorm.builder().optAxis(2).build(),
                        sequence));
        list.add(of("GhostBatchNorm", () -> GhostBatchNorm.builder().build(), new Shape(1, 6)));
        list.add(of("LayerNorm", () -> LayerNorm.builder().axis(2).build(), sequence));
        list.add(of("Dropout", () -> Dropout.builder().optRate(0.3f).build(), image));
        list.add(
                of(
                        "RNN",
                        () -> recurrent(RNN.builder().setActivation(RNN.Activation.TANH)),
                        sequence));
        list.add(of("GRU", () -> recurrent(GRU.builder()), sequence));
        list.add(of("LSTM", () -> recurrent(LSTM.builder()), sequence));
        list.add(
                of(
                        "LSTM with its state",
                        () ->
                                LSTM.builder()
                                        .setNumLayers(1)
                                        .setStateSize(3)
                                        .optReturnState(true)
                                        .build(),
                        sequence));
        list.add(
                new Networks(
                        "IdEmbedding",
                        () ->
                                new IdEmbedding.Builder()
                                        .setDictionarySize(7)
                                        .setEmbeddingSize(4)
                                        .build(),
                        new Shape[] {new Shape(1, 6)},
                        new DataType[] {DataType.INT64}));
        list.add(
                of(
                        "Attention",
                        () ->
                                ScaledDotProductAttentionBlock.builder()
                                        .setEmbeddingSize(4)
                                        .setHeadCount(2)
                                        .build(),
                        sequence));
        list.add(
                of(
                        "TransformerEncoderBlock",
                        () -> new TransformerEncoderBlock(4, 2, 8, 0.1f, Activation::relu),
                        sequence));
        list.add(
                new Networks(
                        "BertBlock",
                        () ->
                                BertBlock.builder()
                                        .nano()
                                        .setTokenDictionarySize(9)
                                        .optMaxSequenceLength(6)
                                        .build(),
                        new Shape[] {new Shape(1, 6), new Shape(1, 6), new Shape(1, 6)},
                        new DataType[] {DataType.INT64, DataType.INT64, DataType.INT64}));
        Shape words = new Shape(1, 6);
        DataType id = DataType.INT64;
        list.add(
                new Networks(
                        "BertPretrainingBlock",
                        () ->
                                new BertPretrainingBlock(
                                        BertBlock.builder()
                                                .nano()
                                                .setTokenDictionarySize(9)
                                                .optMaxSequenceLength(6)),
                        new Shape[] {words, words, words, new Shape(1, 2)},
                        new DataType[] {id, id, id, id}));
        list.add(
                new Networks(
                        "TrainableWordEmbedding",
                        () ->
                                new TrainableWordEmbedding(
                                        new DefaultVocabulary(List.of("a", "b", "c")), 4),
                        new Shape[] {words},
                        new DataType[] {id}));
        list.add(
                new Networks(
                        "ConstantEmbedding",
                        () ->
                                new ConstantEmbedding(
                                        NDManager.newBaseManager().create(new float[] {1, 2, 3})),
                        new Shape[] {words},
                        new DataType[] {id}));
        list.add(
                of(
                        "ParallelBlock",
                        () ->
                                new ParallelBlock(
                                        outputs ->
                                                new NDList(
                                                        outputs.get(0)
                                                                .singletonOrThrow()
                                                                .mul(
                                                                        outputs.get(1)
                                                                                .singletonOrThrow())),
                                        List.of(
                                                Linear.builder().setUnits(3).build(),
                                                Linear.builder().setUnits(3).build())),
                        new Shape(1, 4)));
        pools(list, image);
        activations(list, image);
        arrays(list);
        return list;
    }

    private static Block recurrent(ai.djl.nn.recurrent.RecurrentBlock.BaseBuilder<?> builder) {
        builder.setNumLayers(1);
        builder.setStateSize(3);
        if (builder instanceof RNN.Builder rnn) {
            return rnn.build();
        }
        return builder instanceof GRU.Builder gru ? gru.build() : ((LSTM.Builder) builder).build();
    }

    private static void pools(List<Networks> list, Shape image) {
        Shape two = new Shape(2, 2);
        Shape line = new Shape(1, 3, 8);
        Shape volume = new Shape(1, 2, 4, 4, 4);
        list.add(of("maxPool1d", () -> Pool.maxPool1dBlock(new Shape(2)), line));
        list.add(
                of(
                        "maxPool2d",
                        () -> Pool.maxPool2dBlock(new Shape(3, 3), two, new Shape(1, 1), true),
                        image));
        list.add(of("maxPool3d", () -> Pool.maxPool3dBlock(new Shape(2, 2, 2)), volume));
        list.add(of("avgPool2d", () -> Pool.avgPool2dBlock(two, two, new Shape(1, 1)), image));
        list.add(of("lpPool2d", () -> Pool.lpPool2dBlock(2f, two), image));
        list.add(of("globalMaxPool2d", Pool::globalMaxPool2dBlock, image));
        list.add(of("globalAvgPool1d", Pool::globalAvgPool1dBlock, line));
        list.add(of("globalAvgPool3d", Pool::globalAvgPool3dBlock, volume));
        list.add(of("globalLpPool2d", () -> Pool.globalLpPool2dBlock(2f), image));
    }

    private static void activations(List<Networks> list, Shape image) {
        list.add(of("sigmoid", Activation::sigmoidBlock, image));
        list.add(of("tanh", Activation::tanhBlock, image));
        list.add(of("softPlus", Activation::softPlusBlock, image));
        list.add(of("softSign", Activation::softSignBlock, image));
        list.add(of("leakyRelu", () -> Activation.leakyReluBlock(0.1f), image));
        list.add(of("elu", () -> Activation.eluBlock(0.7f), image));
        list.add(of("selu", Activation::seluBlock, image));
        list.add(of("gelu", Activation::geluBlock, image));
        list.add(of("swish", () -> Activation.swishBlock(1.5f), image));
        list.add(of("relu6", Activation::relu6Block, image));
        list.add(of("mish", () -> array(x -> x.abs().getNDArrayInternal().mish()), image));
        list.add(of("flatten", Blocks::batchFlattenBlock, image));
    }

    /** One array in, one out. */
    private static Block array(UnaryOperator<NDArray> function) {
        return new LambdaBlock(x -> new NDList(function.apply(x.singletonOrThrow())));
    }

    private static Block lists(Function<NDList, NDList> function) {
        return new LambdaBlock(function);
    }

    private static void arrays(List<Networks> list) {
        Shape x = new Shape(1, 4, 6);
        add(
                list,
                "elementwise",
                x,
                a -> {
                    NDArray p = a.abs().add(0.5);
                    return NDArrays.add(
                            a.exp(),
                            p.log(),
                            p.log2(),
                            p.log10(),
                            p.sqrt(),
                            a.sin(),
                            a.cos(),
                            a.floor(),
                            a.ceil(),
                            a.round(),
                            a.trunc(),
                            a.sign(),
                            a.square(),
                            a.atan(),
                            a.sinh(),
                            a.cosh(),
                            p.cbrt(),
                            a.neg(),
                            a.toDegrees(),
                            a.toRadians());
                });
        add(
                list,
                "arithmetic with numbers",
                x,
                a -> a.add(1).sub(0.25f).mul(3).div(7).pow(2).mod(0.5).maximum(0.1).minimum(0.4));
        add(
                list,
                "arithmetic with arrays",
                x,
                a -> {
                    NDArray b = a.mul(2).add(1);
                    return a.add(b).sub(a.mul(b)).div(b.square().add(1)).maximum(a).minimum(b);
                });
        add(
                list,
                "arithmetic in place",
                x,
                a -> {
                    NDArray b = a.duplicate();
                    b.addi(1).muli(a).subi(0.5).divi(2).powi(2);
                    b.negi();
                    return b.addi(a);
                });
        add(
                list,
                "comparisons",
                x,
                a ->
                        NDArrays.where(
                                a.gt(0).logicalAnd(a.lt(1)).logicalOr(a.lte(-1)), a, a.mul(0.1)));
        add(
                list,
                "reductions",
                x,
                a ->
                        a.sum(new int[] {1}, true)
                                .add(a.mean(new int[] {1}, true))
                                .add(a.max(new int[] {1}, true))
                                .sub(a.min(new int[] {1}, true))
                                .add(a.prod(new int[] {1}, true))
                                .add(a.norm(new int[] {1}, true)));
        add(list, "sums over everything", x, a -> a.sub(a.mean()).div(a.abs().max()).mul(a.sum()));
        add(list, "argMax, oneHot", x, a -> a.argMax(2).oneHot(6).mul(a));
        add(
                list,
                "sort, argSort, cumSum",
                x,
                a -> a.sort(2).add(a.cumSum(2)).add(a.argSort(2).toType(DataType.FLOAT32, false)));
        add(
                list,
                "topK",
                x,
                a -> {
                    NDList top = a.topK(2, 2);
                    return top.get(0).add(top.get(1).toType(DataType.FLOAT32, false));
                });
        add(list, "softmax, logSoftmax", x, a -> a.softmax(2).add(a.logSoftmax(1)));
        add(list, "normalize", x, a -> a.normalize(2, 1));
        add(
                list,
                "reshape, transpose",
                x,
                a ->
                        a.reshape(a.size(0), 6, 4)
                                .transpose(0, 2, 1)
                                .add(a.swapAxes(1, 2).swapAxes(2, 1))
                                .flip(1)
                                .expandDims(1)
                                .squeeze(1));
        add(list, "broadcast", x, a -> a.get(":, 0:1").broadcast(a.getShape()));
        add(list, "tile, repeat", x, a -> a.tile(new long[] {1, 2, 1}).repeat(2, 2));
        add(list, "stack, concat", x, a -> a.stack(a.mul(2), 1).concat(a.expandDims(1), 1));
        add(
                list,
                "slices",
                x,
                a ->
                        a.get(":, 1:3")
                                .add(a.get(new NDIndex(":, ::2, ...")))
                                .add(a.get("..., 0").get(":, -1:").expandDims(2))
                                .add(a.get(":, 1, null, 2:3")));
        add(
                list,
                "take",
                x,
                a -> a.get(new NDIndex(":, {}", a.getManager().create(new long[] {2, 0, 2}))));
        add(list, "gather", x, a -> a.gather(a.argSort(2), 2));
        add(
                list,
                "set",
                x,
                a -> {
                    NDArray b = a.duplicate();
                    b.set(new NDIndex(":, 1"), a.get(":, 0"));
                    b.set(new NDIndex(":, 2:, 1"), 0.5);
                    return b;
                });
        add(
                list,
                "zeros, ones, full, arange",
                x,
                a -> {
                    NDManager m = a.getManager();
                    return a.add(m.zeros(a.getShape()))
                            .mul(m.ones(new Shape(6)))
                            .add(m.full(new Shape(a.size(0), 1, 1), 0.5f))
                            .add(m.arange((float) a.size(2)))
                            .add(a.onesLike());
                });
        add(
                list,
                "constants",
                x,
                a -> {
                    NDArray c = a.getManager().create(new float[] {1, 2, 3, 4, 5, 6});
                    return a.mul(c).add(c.mul(2)).add(c.getFloat(1));
                });
        add(
                list,
                "matrix products",
                x,
                a -> a.matMul(a.swapAxes(1, 2)).add(a.batchMatMul(a.swapAxes(1, 2))));
        addSince(list, x, NDArray.class, "erf");
        addSince(list, x, NDArray.class, "pad", new Shape(1, 2), 0.5);
        addSince(
                list,
                new Shape(1, 2, 4, 4),
                NDArrayEx.class,
                "interpolation",
                new long[] {8, 8},
                1,
                false);
        list.add(of("split", () -> lists(in -> in.head().split(2, 1)), x));
        list.add(
                of(
                        "split at indices",
                        () -> lists(in -> in.head().split(new long[] {1, 3}, 1)),
                        x));
        list.add(
                of(
                        "several inputs and outputs",
                        () ->
                                lists(
                                        in ->
                                                new NDList(
                                                        in.get(0).add(in.get(1)),
                                                        in.get(0).mul(in.get(1)))),
                        new Shape(1, 3),
                        new Shape(1, 3)));
    }

    private static void add(
            List<Networks> list, String name, Shape shape, UnaryOperator<NDArray> function) {
        list.add(of(name.toLowerCase(Locale.ROOT), () -> array(function), shape));
    }

    /** A method that not every DJL has. */
    private static void addSince(
            List<Networks> list, Shape shape, Class<?> type, String name, Object... arguments) {
        for (Method method : type.getMethods()) {
            if (method.getName().equals(name) && method.getParameterCount() == arguments.length) {
                add(list, name, shape, a -> call(method, a, arguments));
            }
        }
    }

    private static NDArray call(Method method, NDArray array, Object... arguments) {
        try {
            Object target =
                    method.getDeclaringClass() == NDArrayEx.class
                            ? array.getNDArrayInternal()
                            : array;
            return (NDArray) method.invoke(target, arguments);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
