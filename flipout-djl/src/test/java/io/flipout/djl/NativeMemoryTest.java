package io.flipout.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.translate.TranslateException;
import io.flipout.djl.training.EpochResult;
import io.flipout.djl.training.LoopPosition;
import io.flipout.djl.training.TrainingLoop;
import io.flipout.djl.training.TrainingProgress;
import io.flipout.method.DeepR;
import io.flipout.method.FlipOut;
import io.flipout.method.OptimalBrainDamage;
import io.flipout.method.OptimalBrainSurgeon;
import io.flipout.method.PruningMethod;
import io.flipout.schedule.Schedule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Arrays are closed when they are done with, and not when Java happens to collect them: over
 * thousands of steps neither DJL's arrays become more nor the process larger.
 *
 * <p>The training runs in a JVM of its own, whose heap is of one size and in memory from the start,
 * so that whatever the process grows by is native.
 */
class NativeMemoryTest {

    private static final int EPOCHS = 750;
    private static final int STEPS = EPOCHS * TinyTraining.STEPS_PER_EPOCH;

    /** By then the code is compiled, and every kind of step has been taken. */
    private static final int WARM_UP = STEPS / 3;

    private static final int STEPS_PER_CHECKPOINT = 50;

    /** What compiled code, classes and the allocator may still take after the warm-up. */
    private static final long MOST_KIB = 8 * 1024;

    /** Bytes of the array that is left open in each step where that is to be seen. */
    private static final int LEAK = 16 * 1024;

    @TempDir private Path folder;

    /** What there was after the warm-up, and how much more of it in the end. */
    private record Growth(int arrays, int moreArrays, long moreKib) {}

    @Test
    void arraysDoNotBecomeMoreNorTheProcessLarger() throws Exception {
        for (String method : List.of("flipout", "deep-r", "obd", "obs")) {
            Growth growth = train(method);
            assertThat(growth.arrays()).as(method).isPositive();
            assertThat(growth.moreArrays()).as("Arrays more by %s", method).isZero();
            assertThat(growth.moreKib()).as("KiB more by %s", method).isLessThan(MOST_KIB);
        }
    }

    @Test
    void anArrayLeftOpenInEachStepIsSeen() throws Exception {
        Growth growth = train("leak");
        assertThat(growth.moreArrays()).isEqualTo(STEPS - WARM_UP);
        if (isLinux()) {
            assertThat(growth.moreKib()).isGreaterThan(MOST_KIB);
        }
    }

    private Growth train(String method) throws Exception {
        Path printed = folder.resolve(method + ".txt");
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xms96m",
                                "-Xmx96m",
                                "-XX:+AlwaysPreTouch",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                NativeMemoryTest.class.getName(),
                                method,
                                folder.resolve("training.safetensors").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(printed.toFile())
                        .start();
        assertThat(process.waitFor()).as(() -> text(printed)).isZero();
        List<String> lines = Files.readAllLines(printed);
        String[] numbers = lines.get(lines.size() - 1).split(" ", -1);
        return new Growth(
                Integer.parseInt(numbers[0]),
                Integer.parseInt(numbers[1]) - Integer.parseInt(numbers[0]),
                Long.parseLong(numbers[3]) - Long.parseLong(numbers[2]));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Trains, and prints what there was after the warm-up and in the end.
     *
     * @param args the method, or leak, and where checkpoints go
     */
    public static void main(String[] args) {
        boolean leaks = args[0].equals("leak");
        try (TinyTraining tiny = new TinyTraining(1)) {
            try (NDManager examples = NDManager.newBaseManager()) {
                Pruner pruner =
                        Pruner.builder()
                                .setMethod(method(args[0]))
                                .setSchedule(schedule(args[0]))
                                .optExamples(TinyTraining.data(examples), 8)
                                .build();
                tiny.prepared(
                        pruner.wrap(TinyTraining.sgd()),
                        (trainer, data) -> train(trainer, data, pruner, Path.of(args[1]), leaks),
                        pruner.listener());
            }
        }
    }

    private static PruningMethod method(String name) {
        return switch (name) {
            case "deep-r" -> DeepR.builder().optL1(1e-3f).optNoise(.1f).build();
            case "obd" -> new OptimalBrainDamage();
            case "obs" -> OptimalBrainSurgeon.builder().optBlock(16).build();
            default -> FlipOut.builder().optNoise(1).build();
        };
    }

    /** Some 45 prunings in all, or one before the training where the method takes no other. */
    private static Schedule schedule(String method) {
        return method.equals("deep-r")
                ? Schedule.beforeTraining(.75, 1)
                : Schedule.toSparsity(.9).atRate(.05).overEpochs(EPOCHS);
    }

    private static void train(
            Trainer trainer, ArrayDataset data, Pruner pruner, Path checkpoint, boolean leaks)
            throws IOException, TranslateException {
        if (pruner.events().get(0).at() == 0) {
            pruner.pruneBeforeTraining(trainer, data, 1);
        }
        Watch watch = new Watch(trainer, pruner, checkpoint, leaks);
        TrainingLoop.builder()
                .setTrainer(trainer)
                .setEpochs(EPOCHS)
                .setTrain(data)
                .optTest(data)
                .optProgress(watch)
                .build()
                .run();
        System.out.printf(
                Locale.ROOT, "%d %d %d %d%n", watch.arrays, arrays(), watch.kib, residentKib());
    }

    /** Saves the training every so often, and looks at the memory after the warm-up. */
    private static final class Watch implements TrainingProgress {

        private final Trainer trainer;
        private final Pruner pruner;
        private final Path checkpoint;
        private final boolean leaks;
        private int steps;
        private int arrays;
        private long kib;

        Watch(Trainer trainer, Pruner pruner, Path checkpoint, boolean leaks) {
            this.trainer = trainer;
            this.pruner = pruner;
            this.checkpoint = checkpoint;
            this.leaks = leaks;
        }

        @Override
        public void onBatch(int epoch, long images) {
            steps++;
            if (leaks) {
                trainer.getManager().ones(new Shape(LEAK / Float.BYTES));
            }
        }

        @Override
        public void onEpochEnd(EpochResult result) {
            if (steps == WARM_UP) {
                arrays = arrays();
                kib = residentKib();
            }
        }

        @Override
        public boolean proceed(Supplier<LoopPosition> position) {
            if (steps % STEPS_PER_CHECKPOINT == 0) {
                try {
                    pruner.save(checkpoint, Map.of("epoch", "" + position.get().epochs()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            return true;
        }
    }

    /** All arrays that any manager of DJL's holds, before Java's collector is asked to run. */
    private static int arrays() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDManager all = manager.getParentManager();
            return all.getManagedArrays().size();
        }
    }

    private static boolean isLinux() {
        return Files.exists(Path.of("/proc/self/status"));
    }

    /** What of the process is in memory; 0 where that cannot be told. */
    private static long residentKib() {
        System.gc();
        if (!isLinux()) {
            return 0;
        }
        return text(Path.of("/proc/self/status"))
                .lines()
                .filter(line -> line.startsWith("VmRSS:"))
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0L);
    }
}
