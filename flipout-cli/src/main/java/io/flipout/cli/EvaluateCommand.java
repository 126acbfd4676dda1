package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.flipout.cli.network.Evaluation;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.network.Scorer;
import io.flipout.cli.network.Scorers;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.training.Score;
import io.flipout.djl.training.TrainingLoop;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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

    @Spec private CommandSpec spec;

    @Mixin private ModelOptions network;

    @Mixin private DataOptions data;

    @Option(
            names = "--device",
            paramLabel = "auto|cpu|gpu[N]",
            defaultValue = "auto",
            description = "Where to compute (default: ${DEFAULT-VALUE}).")
    private String device;

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
        Score score =
                engine == Scorer.Engine.FLIPOUT
                        ? withoutPyTorch(saved, terminal)
                        : withPyTorch(saved, terminal);
        terminal.line(
                "%s on the %,d test images of %s: accuracy %.2f %%, loss %.4f",
                network.path(),
                score.images(),
                data.dataSet().dataName(),
                100 * score.accuracy(),
                score.loss());
        return 0;
    }

    private Score withoutPyTorch(SavedModel saved, Terminal terminal) throws IOException {
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
            return evaluation.score();
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

    private Score withPyTorch(SavedModel saved, Terminal terminal) throws Exception {
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
                                        DataOptions.size(images)));
                    }
                }
                Networks.checkFits(trainer, network.path().toString(), images);
                if (classes.isEmpty()) {
                    Networks.checkCount(trainer, network.path().toString(), images);
                    tellOrder(terminal);
                }
                data.takePixels(Networks.takesPixels(model));
                return TrainingLoop.evaluate(trainer, data.forEvaluation(images)).orElseThrow();
            }
        }
    }
}
