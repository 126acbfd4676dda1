package io.flipout.cli.bench;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import io.flipout.cli.terminal.Failure;
import io.flipout.inference.Network;
import io.flipout.tensor.Transfers;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A program that does nothing but load a network and predict one image, in a JVM of its own. */
final class FirstAnswer {

    private static final String FLIPOUT = "flipout";

    /** The jars that the library needs with its own engine: its own, and DJL's API with its own. */
    private static final List<String> LIBRARY =
            List.of(
                    "flipout-",
                    "api-",
                    "basicdataset-",
                    "commons-",
                    "gson-",
                    "jna-",
                    "slf4j-",
                    "error_prone_annotations-");

    private FirstAnswer() {}

    /** Answers: the engine, the file, and channels, height and width of an image. */
    public static void main(String[] args) throws Exception {
        int[] shape = Arrays.stream(args).skip(2).mapToInt(Integer::parseInt).toArray();
        Path file = Path.of(args[1]);
        float[] image = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        float[] answer =
                args[0].equals(FLIPOUT)
                        ? Network.load(file).predict(image, 1, shape)
                        : PyTorch.predict(file, image, shape);
        new PrintStream(System.out, true, StandardCharsets.UTF_8).println(answer.length);
        Runtime.getRuntime().halt(0); // What comes after the answer is not measured.
    }

    /** A class of its own: without PyTorch on the class path nothing of it may be loaded. */
    private static final class PyTorch {

        private PyTorch() {}

        private static float[] predict(Path file, float[] image, int[] shape) throws Exception {
            try (Model model = Model.newInstance("first", "PyTorch")) {
                model.load(file);
                NDManager manager = model.getNDManager();
                long[] sizes = Arrays.stream(shape).asLongStream().toArray();
                NDList input =
                        new NDList(manager.create(image, new Shape(1).addAll(new Shape(sizes))));
                return Transfers.floats(
                        model.getBlock()
                                .forward(new ParameterStore(manager, false), input, false)
                                .head());
            }
        }
    }

    /** The class path of an engine: FlipOut's is the library's without PyTorch. */
    static List<Path> classPath(String engine) {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(entry -> !engine.equals(FLIPOUT) || isOfLibrary(entry))
                .toList();
    }

    private static boolean isOfLibrary(Path entry) {
        String name = String.valueOf(entry.getFileName());
        return Files.isDirectory(entry) || LIBRARY.stream().anyMatch(name::startsWith);
    }

    /** The bytes of all files on a class path. */
    static long bytes(List<Path> classPath) throws IOException {
        long bytes = 0;
        for (Path entry : classPath) {
            if (Files.exists(entry)) {
                try (Stream<Path> files = Files.walk(entry)) {
                    for (Path file : files.filter(Files::isRegularFile).toList()) {
                        bytes += Files.size(file);
                    }
                }
            }
        }
        return bytes;
    }

    /** Starts Java, and returns the seconds until the answer is there. */
    static double seconds(String engine, Path file, int[] shape) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (engine.equals(FLIPOUT)) {
            command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        command.addAll(List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp"));
        command.add(
                String.join(
                        File.pathSeparator,
                        classPath(engine).stream().map(Path::toString).toList()));
        command.addAll(List.of(FirstAnswer.class.getName(), engine, file.toString()));
        Arrays.stream(shape).mapToObj(Integer::toString).forEach(command::add);
        long begin = System.nanoTime();
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        try (BufferedReader out =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            if (out.readLine() == null) {
                throw Failure.of("Java ended without an answer by " + engine + ".", null);
            }
            return (System.nanoTime() - begin) / 1e9;
        } finally {
            process.destroyForcibly();
        }
    }
}
