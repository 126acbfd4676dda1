package io.flipout.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import io.flipout.cli.network.ModelOptions;
import io.flipout.cli.network.Networks;
import io.flipout.cli.network.SavedModel;
import io.flipout.cli.option.CommonOptions;
import io.flipout.cli.option.DataOptions;
import io.flipout.cli.option.Devices;
import io.flipout.cli.terminal.Failure;
import io.flipout.cli.terminal.Terminal;
import io.flipout.djl.data.ImageSet;
import io.flipout.djl.training.Score;
import io.flipout.djl.training.TrainingLoop;
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

    @Mixin private CommonOptions common;

    @Override
    public Integer call() throws Exception {
        SavedModel saved = network.find();
        data.fillFrom(spec.commandLine().getParseResult(), saved::option);
        data.resolve();
        common.startEngine();
        Device[] devices = Devices.parse(device);
        Terminal terminal = new Terminal(spec.commandLine());
        ImageSet loaded = data.loadTest(terminal::note);
        Optional<List<String>> classes = saved.classes();
        ImageSet images = classes.map(loaded::inClasses).orElse(loaded);
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
                    terminal.note(
                            network.path()
                                    + " does not name its classes: they are taken in the order of"
                                    + " the data set's.");
                }
                data.takePixels(Networks.takesPixels(model));
                Score score =
                        TrainingLoop.evaluate(trainer, data.forEvaluation(images)).orElseThrow();
                terminal.line(
                        "%s on the %,d test images of %s: accuracy %.2f %%, loss %.4f",
                        network.path(),
                        score.images(),
                        data.dataSet().dataName(),
                        100 * score.accuracy(),
                        score.loss());
            }
        }
        return 0;
    }
}
