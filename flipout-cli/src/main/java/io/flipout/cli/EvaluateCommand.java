package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.flipout.cli.network.Evaluation;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.network.Scorer;
import io.flipout.cli.network.Scorers;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.option.ImageOptions;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Tables;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.training.Confusion;
import io.flipout.djl.training.Score;
import io.flipout.djl.training.TrainingLoop;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code flipout evaluate}: scores a network on test images. */
@Command(
        name = "evaluate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Scores a run or a model on the test images of its data set or of another.")
final class EvaluateCommand implements Callable<Integer> {

    /** Columns of a matrix that fit on a screen. */
    private static final int MOST_COLUMNS = 20;

    @Spec private CommandSpec spec;

    @Mixin private ModelOptions network;

    @Mixin private ImageOptions data;

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[N]",
            defaultValue = "auto",
            description = "Where to compute (default: ${DEFAULT-VALUE}).")
    private String device;

    @Option(
            names = "--per-class",
            description = "Tell the accuracy of each class, and which are taken for which.")
    private boolean perClass;

    @Option(names = "--json", description = "Print the result as a JSON object and nothing else.")
    private boolean json;

    @Option(
            names = "--engine",
            paramLabel = "flipout|pytorch",
            defaultValue = "pytorch",
            description =
                    "What computes: PyTorch, or FlipOut's engine, on the CPU, with the weights that"
                            + " are left (default: ${DEFAULT-VALUE}).")
    private Scorer.Engine engine;

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        SavedModel saved = network.find();
        data.fillFrom(spec.commandLine().getParseResult(), saved::option);
        data.resolve();
        Terminal terminal = new Terminal(spec.commandLine());
        Result result =
                engine == Scorer.Engine.FLIPOUT
                        ? withoutPyTorch(saved, terminal)
                        : withPyTorch(saved, terminal);
        if (json) {
            terminal.line(json(result.score(), result.classes(), result.confusion()));
        } else {
            show(terminal, result.score());
            result.confusion().ifPresent(c -> show(terminal, c, result.classes()));
        }
        return 0;
    }

    private record Result(Score score, List<String> classes, Optional<Confusion> confusion) {}

    private Result withoutPyTorch(SavedModel saved, Terminal terminal) throws IOException {
        if (!device.equals("auto") && !device.equals("cpu")) {
            throw Failure.misuse(
                    "The FlipOut engine computes on the CPU: leave out --device, or give --engine"
                            + " pytorch.");
        }
        Optional<List<String>> classes = saved.classes();
        ImageSet images = images(classes, terminal);
        try (Scorer scorer = Scorers.open(network, saved, engine, common, terminal::note)) {
            data.takePixels(saved.takesPixels());
            Evaluation evaluation = new Evaluation(scorer, images, data.normalization());
            if (classes.isEmpty()) {
                Networks.checkCount(evaluation.outputs(), network.path().toString(), images);
                tellOrder(terminal);
            }
            Score score = evaluation.score();
            return new Result(
                    score,
                    images.classes(),
                    perClass ? Optional.of(evaluation.confusion()) : Optional.empty());
        }
    }

    /** The test images, labelled as the network's outputs are. */
    private ImageSet images(Optional<List<String>> classes, Terminal terminal) throws IOException {
        ImageSet images = data.loadTest(terminal::note);
        return classes.map(images::inClasses).orElse(images);
    }

    private void tellOrder(Terminal terminal) {
        terminal.note(
                network.path()
                        + " does not name its classes: they are taken in the order of the data"
                        + " set's.");
    }

    private Result withPyTorch(SavedModel saved, Terminal terminal) throws Exception {
        common.startEngine();
        Device[] devices = Devices.parse(device);
        Optional<List<String>> classes = saved.classes();
        ImageSet images = images(classes, terminal);
        Shape image = new Shape(images.channels(), images.height(), images.width());
        try (Model model = network.load(saved, devices[0])) {
            DefaultTrainingConfig config =
                    new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optDevices(devices);
            try (Trainer trainer = model.newTrainer(config)) {
                if (!saved.isScript()) {
                    Shape trained = model.getBlock().getInputShapes()[0];
                    trainer.initialize(new Shape(1).addAll(image));
                    if (!Networks.takes(trainer, images)) {
                        // Its first weights follow from the size of the images.
                        throw Failure.misuse(
                                String.format(
                                        Locale.ROOT,
                                        "The network was trained on images of %d×%d and cannot"
                                                + " take these of %s: give the --dataset and"
                                                + " --image-size of its training.",
                                        trained.get(2),
                                        trained.get(3),
                                        ImageOptions.size(images)));
                    }
                }
                Networks.checkFits(trainer, network.path().toString(), images);
                if (classes.isEmpty()) {
                    Networks.checkCount(trainer, network.path().toString(), images);
                    tellOrder(terminal);
                }
                data.takePixels(Networks.takesPixels(model));
                Score score =
                        TrainingLoop.evaluate(trainer, data.forEvaluation(images)).orElseThrow();
                Optional<Confusion> confusion =
                        perClass
                                ? Optional.of(
                                        Confusion.of(
                                                trainer,
                                                data.forEvaluation(images),
                                                images.classes().size()))
                                : Optional.empty();
                return new Result(score, images.classes(), confusion);
            }
        }
    }

    private void show(Terminal terminal, Score score) {
        terminal.line(
                "%s on the %,d test images of %s: accuracy %.2f %%, loss %.4f",
                network.path(),
                score.images(),
                data.dataSet().dataName(),
                100 * score.accuracy(),
                score.loss());
    }

    /** The classes one by one, and which are taken for which where that fits on a screen. */
    private static void show(Terminal terminal, Confusion confusion, List<String> classes) {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"class", "images", "accuracy"});
        for (int i = 0; i < classes.size(); i++) {
            rows.add(
                    new String[] {
                        classes.get(i),
                        String.format(Locale.ROOT, "%,d", confusion.images(i)),
                        confusion.accuracy(i).isEmpty()
                                ? "–"
                                : String.format(
                                        Locale.ROOT,
                                        "%.2f %%",
                                        100 * confusion.accuracy(i).getAsDouble())
                    });
        }
        terminal.line("");
        terminal.line(Tables.table(rows, 1));
        long[][] counts = confusion.counts();
        if (counts[0].length > MOST_COLUMNS) {
            terminal.line("Which classes are taken for which, --json tells.");
            return;
        }
        List<String[]> matrix = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("class, taken for"));
        for (int column = 0; column < counts[0].length; column++) {
            head.add(Integer.toString(column));
        }
        matrix.add(head.toArray(String[]::new));
        for (int i = 0; i < classes.size(); i++) {
            List<String> row = new ArrayList<>(List.of(i + " " + classes.get(i)));
            for (long count : counts[i]) {
                row.add(Long.toString(count));
            }
            matrix.add(row.toArray(String[]::new));
        }
        terminal.line(Tables.table(matrix, 1));
    }

    private String json(Score score, List<String> classes, Optional<Confusion> confusion)
            throws IOException {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("model", network.path().toString());
        result.put("dataset", data.dataSet().dataName());
        result.put("images", score.images());
        result.put("accuracy", score.accuracy());
        result.put("loss", score.loss());
        if (confusion.isPresent()) {
            List<Map<String, Object>> each = new ArrayList<>();
            for (int i = 0; i < classes.size(); i++) {
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("name", classes.get(i));
                entry.put("images", confusion.get().images(i));
                OptionalDouble accuracy = confusion.get().accuracy(i);
                entry.put("accuracy", accuracy.isPresent() ? accuracy.getAsDouble() : null);
                each.add(entry);
            }
            result.put("classes", each);
            result.put("confusion", confusion.get().counts());
        }
        return new ObjectMapper().writeValueAsString(result);
    }
}
