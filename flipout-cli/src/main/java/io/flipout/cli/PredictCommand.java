package io.flipout.cli;

import com.google.gson.stream.JsonWriter;
import io.flipout.cli.network.KnownImages;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.network.Scorer;
import io.flipout.cli.network.Scorers;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.terminal.Errors;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.DataException;
import io.flipout.djl.data.Pixels;
import io.flipout.inference.image.ClassNames.Ranked;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code flipout predict}: says what images show. */
@Command(
        name = "predict",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Says what images show, by a run or a model.",
            "An image of another size is scaled to the network's whatever its aspect, as for"
                    + " training, and normalised as the run or the file says."
        })
final class PredictCommand implements Callable<Integer> {

    /** Images that are computed at once. */
    private static final int BATCH = 16;

    @Spec private CommandSpec spec;

    @Mixin private ModelOptions network;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "IMAGE",
            description = "JPEG or PNG files, or folders of them.")
    private List<Path> paths;

    @Option(
            names = "--top",
            paramLabel = "N",
            defaultValue = "3",
            description = "Classes to name, the likeliest first (default: ${DEFAULT-VALUE}).")
    private int top;

    @Option(
            names = "--engine",
            paramLabel = "flipout|pytorch",
            description =
                    "What computes: FlipOut's engine, with the weights that are left, or PyTorch"
                            + " (default: flipout where it covers the network).")
    private Scorer.Engine engine;

    @Option(names = "--json", description = "Print a JSON object a line for each image.")
    private boolean json;

    @Option(
            names = "--dataset",
            paramLabel = "NAME",
            description = "Data set whose mean and deviation apply (default: the run's).")
    private String dataset;

    @Option(
            names = "--image-size",
            paramLabel = "N",
            description = "Side to scale images to (default: that of the training).")
    private Integer imageSize;

    @Mixin private CommonOptions common;

    private Terminal terminal;
    private boolean failed;
    private boolean toldScaling;

    @Override
    public Integer call() throws Exception {
        if (top < 1) {
            throw Failure.misuse("--top must be at least 1, got " + top + ".");
        }
        if (imageSize != null && imageSize < 1) {
            throw Failure.misuse("--image-size must be at least 1, got " + imageSize + ".");
        }
        terminal = new Terminal(spec.commandLine());
        SavedModel saved = network.find();
        KnownImages known =
                KnownImages.of(
                        network,
                        saved,
                        Optional.ofNullable(dataset),
                        Optional.ofNullable(imageSize));
        List<Path> files = files();
        try (Scorer scorer = Scorers.open(network, saved, engine, common, terminal::note)) {
            for (int i = 0; i < files.size(); i += BATCH) {
                predict(scorer, known, files.subList(i, Math.min(i + BATCH, files.size())));
            }
        }
        return failed ? Failure.FAILED : 0;
    }

    /** The files that are named, and the images of the folders that are. */
    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path path : paths) {
            if (!Files.isDirectory(path)) {
                files.add(path);
                continue;
            }
            try (Stream<Path> found = Files.walk(path)) {
                List<Path> images = found.filter(PredictCommand::isImage).sorted().toList();
                if (images.isEmpty()) {
                    fail(path + " holds no images (.jpg, .jpeg, .png).");
                }
                files.addAll(images);
            } catch (UncheckedIOException e) {
                fail(Errors.sentence(e.getCause()));
            }
        }
        return files;
    }

    private static boolean isImage(Path file) {
        return Pixels.isNamed(file)
                && !file.getFileName().toString().startsWith(".")
                && Files.isRegularFile(file);
    }

    private void fail(String sentence) {
        terminal.note("flipout: " + sentence);
        failed = true;
    }

    private void predict(Scorer scorer, KnownImages known, List<Path> files) {
        int size = known.input().size();
        float[] numbers = new float[Math.multiplyExact(size, files.size())];
        List<Path> read = new ArrayList<>();
        boolean scaled = false;
        for (Path file : files) {
            try {
                if (!Files.isRegularFile(file)) {
                    throw new NoSuchFileException(file.toString());
                }
                scaled |= known.input().read(file, numbers, read.size() * size);
                read.add(file);
            } catch (DataException e) {
                fail(e.getMessage());
            } catch (IOException e) {
                fail(Errors.sentence(e));
            }
        }
        if (read.isEmpty()) {
            return;
        }
        float[] images = Arrays.copyOf(numbers, read.size() * size);
        float[] scores = scores(scorer, images, read.size(), known.input().shape());
        if (scaled) {
            tellScaling(known.input().shape());
        }
        int each = scores.length / read.size();
        for (int i = 0; i < read.size(); i++) {
            float[] own = Arrays.copyOfRange(scores, i * each, (i + 1) * each);
            print(read.get(i), known.classes().rank(own, top));
        }
    }

    private float[] scores(Scorer scorer, float[] images, int batch, int[] shape) {
        try {
            return scorer.scores(images, batch, shape);
        } catch (IllegalArgumentException e) {
            if (imageSize == null) {
                throw e;
            }
            throw Failure.misuse(
                    e.getMessage().replaceFirst("\\.$", "")
                            + "; leave --image-size out, or give the side of the training.");
        }
    }

    private void tellScaling(int[] shape) {
        if (!toldScaling) {
            terminal.note(
                    String.format(
                            Locale.ROOT,
                            "Images of other sizes are scaled to %d×%d, whatever their aspect, as"
                                    + " for training.",
                            shape[1],
                            shape[2]));
            toldScaling = true;
        }
    }

    private void print(Path image, List<Ranked> classes) {
        if (Double.isNaN(classes.get(0).probability())) {
            fail("The network's scores of " + image + " are no numbers: its weights are damaged.");
        } else if (json) {
            terminal.line("%s", json(image, classes));
        } else {
            terminal.line(
                    "%s: %s",
                    image,
                    classes.stream()
                            .map(
                                    c ->
                                            String.format(
                                                    Locale.ROOT,
                                                    "%s %.2f %%",
                                                    c.name(),
                                                    100 * c.probability()))
                            .collect(Collectors.joining(", ")));
        }
    }

    /** Written item by item: binding objects would take longer than the prediction. */
    private static String json(Path image, List<Ranked> classes) {
        StringWriter line = new StringWriter();
        try (JsonWriter json = new JsonWriter(line)) {
            json.beginObject().name("image").value(image.toString()).name("classes").beginArray();
            for (Ranked ranked : classes) {
                json.beginObject().name("name").value(ranked.name());
                json.name("probability").value(rounded(ranked.probability())).endObject();
            }
            json.endArray().endObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return line.toString();
    }

    /** To six digits: float32 holds no more. */
    private static double rounded(double probability) {
        return new BigDecimal(probability).round(new MathContext(6)).doubleValue();
    }
}
