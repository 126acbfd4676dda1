package io.flipout.inference.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.loss.Loss;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import io.flipout.inference.image.ImageTranslator;
import java.awt.image.BufferedImage;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine beside PyTorch's, as any engine of DJL is used. */
class FlipOutEngineTest {

    private static final float RELATIVE = 1e-4f;

    @TempDir private static Path folder;
    private static Path file;

    @BeforeAll
    static void export() throws Exception {
        file = Exported.write(folder.resolve("small.pt"));
    }

    /** Plain numbers in, plain numbers out: no arithmetic. */
    private static final class Numbers implements Translator<float[], float[]> {

        @Override
        public NDList processInput(TranslatorContext context, float[] image) {
            return new NDList(context.getNDManager().create(image, Exported.IMAGE));
        }

        @Override
        public float[] processOutput(TranslatorContext context, NDList scores) {
            return scores.singletonOrThrow().toFloatArray();
        }
    }

    private static ZooModel<float[], float[]> load(String engine) throws Exception {
        return Criteria.builder()
                .setTypes(float[].class, float[].class)
                .optEngine(engine)
                .optModelPath(file)
                .optTranslator(new Numbers())
                .build()
                .loadModel();
    }

    private static List<float[]> predict(String engine, List<float[]> images) throws Exception {
        try (ZooModel<float[], float[]> model = load(engine);
                Predictor<float[], float[]> predictor = model.newPredictor()) {
            return predictor.batchPredict(images);
        }
    }

    private static List<float[]> images(int count) {
        List<float[]> images = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            images.add(Exported.images(1, i));
        }
        return images;
    }

    private static void assertClose(float[] actual, float[] expected) {
        float largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(actual).hasSize(expected.length);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(RELATIVE * largest));
        }
    }

    @Test
    void isThereButNotTheDefault() {
        assertThat(Engine.hasEngine("FlipOut")).isTrue();
        assertThat(Engine.getDefaultEngineName()).isEqualTo("PyTorch");
        assertThat(Engine.getInstance().getEngineName()).isEqualTo("PyTorch");
        Engine engine = Engine.getEngine("FlipOut");
        assertThat(engine.getRank()).isGreaterThan(Engine.getInstance().getRank());
        assertThat(engine.getAlternativeEngine().getEngineName()).isEqualTo("PyTorch");
        assertThat(engine.defaultDevice()).isEqualTo(ai.djl.Device.cpu());
        try (NDManager manager = NDManager.newBaseManager();
                Model model = Model.newInstance("any")) {
            assertThat(manager.getEngine().getEngineName()).isEqualTo("PyTorch");
            assertThat(model.getNDManager().getEngine().getEngineName()).isEqualTo("PyTorch");
        }
    }

    @Test
    void aBatchIsPredictedAsByPyTorch() throws Exception {
        List<float[]> expected = predict("PyTorch", images(5));
        List<float[]> actual = predict("FlipOut", images(5));

        for (int i = 0; i < 5; i++) {
            assertClose(actual.get(i), expected.get(i));
            assertThat(predict("FlipOut", List.of(images(5).get(i))).get(0))
                    .containsExactly(actual.get(i));
        }
    }

    @Test
    void predictorsOfSeveralThreadsDoNotDisturbEachOther() throws Exception {
        List<float[]> images = images(20);
        // Sums of a batch may be in another order than those of an image.
        List<List<float[]>> expected = new ArrayList<>();
        for (int size = 1; size <= 4; size++) {
            List<float[]> results = new ArrayList<>();
            for (int i = 0; i < images.size(); i += size) {
                int to = Math.min(i + size, images.size());
                results.addAll(predict("FlipOut", images.subList(i, to)));
            }
            expected.add(results);
        }
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (ZooModel<float[], float[]> model = load("FlipOut")) {
            List<Callable<List<float[]>>> tasks = new ArrayList<>();
            for (int task = 0; task < 8; task++) {
                int size = task % 4 + 1;
                tasks.add(
                        () -> {
                            List<float[]> results = new ArrayList<>();
                            try (Predictor<float[], float[]> predictor = model.newPredictor()) {
                                for (int i = 0; i < images.size(); i += size) {
                                    int to = Math.min(i + size, images.size());
                                    results.addAll(predictor.batchPredict(images.subList(i, to)));
                                }
                            }
                            return results;
                        });
            }
            List<Future<List<float[]>>> done = threads.invokeAll(tasks);
            for (int task = 0; task < tasks.size(); task++) {
                List<float[]> results = done.get(task).get();
                for (int i = 0; i < images.size(); i++) {
                    assertThat(results.get(i)).containsExactly(expected.get(task % 4).get(i));
                }
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void arraysOfPyTorchAreTakenAndGiven() throws Exception {
        float[] images = Exported.images(3, 1);
        try (Model model = Model.newInstance("small", "FlipOut");
                NDManager manager = NDManager.newBaseManager("PyTorch")) {
            model.load(folder);
            try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator())) {
                NDArray input = manager.create(images, new Shape(3).addAll(Exported.IMAGE));
                NDArray output = predictor.predict(new NDList(input)).head();

                assertThat(output.getShape()).isEqualTo(new Shape(3, 4));
                assertThat(output.softmax(1).sum().getFloat()).isCloseTo(3, within(1e-5f));
            }
        }
    }

    @Test
    void whatItsArraysCannotTheOtherEnginesDo() {
        try (NDManager manager = NDManager.newBaseManager("FlipOut")) {
            NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));

            assertThat(array.getManager().getEngine().getEngineName()).isEqualTo("FlipOut");
            assertThat(array.add(1).toFloatArray()).containsExactly(2, 3, 4, 5, 6, 7);
            assertThat(array.mul(array).toFloatArray()).containsExactly(1, 4, 9, 16, 25, 36);
            assertThat(array.argMax(1).toLongArray()).containsExactly(2, 2);
            assertThat(array.get(new NDIndex(":, 1")).toFloatArray()).containsExactly(2, 5);
            assertThat(array.transpose().toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
            assertThat(array.split(3, 1).get(1).toFloatArray()).containsExactly(2, 5);
            assertThat(array.toType(DataType.INT32, false).toIntArray())
                    .containsExactly(1, 2, 3, 4, 5, 6);
        }
    }

    @Test
    void imagesBecomeClassesByName() throws Exception {
        BufferedImage picture = new BufferedImage(20, 13, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 13; i++) {
            picture.setRGB(i, i, 0xff8040 + i);
        }
        Image image = ImageFactory.getInstance().fromImage(picture);
        List<Classifications> results = new ArrayList<>();
        for (String engine : List.of("FlipOut", "PyTorch")) {
            try (ZooModel<Image, Classifications> model =
                            Criteria.builder()
                                    .setTypes(Image.class, Classifications.class)
                                    .optEngine(engine)
                                    .optModelPath(file)
                                    .optOption("extraFiles", "flipout.json")
                                    .optTranslator(ImageTranslator.builder().optTopK(2).build())
                                    .build()
                                    .loadModel();
                    Predictor<Image, Classifications> predictor = model.newPredictor()) {
                results.addAll(predictor.batchPredict(List.of(image, image)));
            }
        }
        assertThat(results).hasSize(4);
        for (Classifications result : results) {
            assertThat(result.getClassNames()).containsExactly("one", "two", "three", "four");
            assertThat(result.topK()).hasSize(2);
            for (int i = 0; i < 4; i++) {
                assertThat(result.getProbabilities().get(i))
                        .isCloseTo(results.get(0).getProbabilities().get(i), within(1e-5));
            }
        }
    }

    @Test
    void loadsFromAFolderANameOrAStream() throws Exception {
        Path other = Files.createDirectory(folder.resolve("other"));
        Files.copy(file, other.resolve("net.pt"));
        for (Object[] place :
                new Object[][] {
                    {file, null},
                    {folder, "small"},
                    {folder, "small.pt"},
                    {other, null},
                    {other, "net"}
                }) {
            try (Model model = Model.newInstance("m", "FlipOut")) {
                model.load((Path) place[0], (String) place[1]);
                assertThat(model.getBlock()).isNotNull();
            }
        }
        try (Model model = Model.newInstance("m", "FlipOut");
                InputStream in = Files.newInputStream(file)) {
            model.load(in);
            assertThat(model.getProperty("flipout.json")).contains("three");
        }
    }

    @Test
    void itsFaultsAreSentences() throws Exception {
        Path text = Files.writeString(folder.resolve("no.pt"), "no archive");
        try (Model model = Model.newInstance("m", "FlipOut")) {
            assertThatThrownBy(() -> model.load(text))
                    .isInstanceOf(MalformedModelException.class)
                    .hasMessageContaining("no.pt is no TorchScript file");
            assertThatThrownBy(() -> model.load(folder, "missing"))
                    .hasMessage("There is no TorchScript file " + folder + "/missing.pt.");
            assertThatThrownBy(() -> model.load(file, null, java.util.Map.of("threads", "none")))
                    .hasMessage("The option threads must be a number, at least 1, got none.");
            assertThat(model.getBlock()).isNull();
            model.load(file);
            assertThatThrownBy(
                            () ->
                                    model.newTrainer(
                                            new DefaultTrainingConfig(
                                                    Loss.softmaxCrossEntropyLoss())))
                    .hasMessageContaining("it does not train: use the PyTorch engine.");
            try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator())) {
                NDManager manager = model.getNDManager();
                assertThatThrownBy(
                                () ->
                                        predictor.predict(
                                                new NDList(
                                                        manager.ones(
                                                                new Shape(1, 3, 8, 8),
                                                                DataType.UINT8))))
                        .isInstanceOf(TranslateException.class)
                        .hasMessageContaining("takes images of float32, got uint8");
                NDList two = new NDList(manager.ones(new Shape(1)), manager.ones(new Shape(1)));
                assertThatThrownBy(() -> predictor.predict(two))
                        .hasMessageContaining("takes one array of images, got 2");
                for (Shape wrong :
                        List.of(
                                new Shape(1, 3, 8, 9),
                                new Shape(1, 1, 8, 8),
                                new Shape(3, 8, 8),
                                new Shape(1, 192),
                                new Shape(5))) {
                    assertThatThrownBy(() -> predictor.predict(new NDList(manager.ones(wrong))))
                            .as(wrong.toString())
                            .isInstanceOf(TranslateException.class)
                            .hasMessageContaining("8, 8)");
                }
            }
        }
    }

    @Test
    void batchesAreMadeAndTakenApart() {
        try (NDManager manager = NDManager.newBaseManager("FlipOut")) {
            NDArray one = manager.create(new float[] {1, 2}, new Shape(2));
            NDArray other = manager.create(new float[] {3, 4}, new Shape(2));
            NDArray both = ai.djl.ndarray.NDArrays.stack(new NDList(one, other));

            assertThat(both).isInstanceOf(FlipOutArray.class);
            assertThat(both.getShape()).isEqualTo(new Shape(2, 2));
            assertThat(both.toFloatArray()).containsExactly(1, 2, 3, 4);
            NDList parts = both.split(2);
            assertThat(parts.get(1).squeeze(0).getShape()).isEqualTo(new Shape(2));
            assertThat(parts.get(1).toFloatArray()).containsExactly(3, 4);
            assertThat(both.reshape(-1).getShape()).isEqualTo(new Shape(4));
            assertThat(one.expandDims(0).getShape()).isEqualTo(new Shape(1, 2));
            assertThat(one.expandDims(-1).getShape()).isEqualTo(new Shape(2, 1));
            assertThat(both.split(new long[] {0, 1}).stream().map(NDArray::getShape))
                    .containsExactly(new Shape(0, 2), new Shape(1, 2), new Shape(1, 2));
            NDArray odd = manager.ones(new Shape(3));
            assertThatThrownBy(() -> ai.djl.ndarray.NDArrays.stack(new NDList(one, odd)))
                    .hasMessageContaining("make no batch");
        }
    }

    @Test
    void arraysGoWithTheirManager() {
        NDManager manager = NDManager.newBaseManager("FlipOut");
        NDArray array = manager.create(new float[] {1, 2});
        NDArray kept;
        NDArray lost;
        try (NDManager inner = manager.newSubManager()) {
            kept = inner.create(new float[] {3});
            kept.attach(manager);
            lost = inner.create(new float[] {4});
        }
        assertThat(lost.isReleased()).isTrue();
        assertThat(kept.toFloatArray()).containsExactly(3);
        array.set(new float[] {5, 6});
        assertThat(array.toFloatArray()).containsExactly(5, 6);
        manager.close();
        assertThat(array.isReleased()).isTrue();
        assertThat(kept.isReleased()).isTrue();
        assertThatThrownBy(kept::toFloatArray).isInstanceOf(IllegalStateException.class);
    }
}
