package io.flipout.inference.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** A JVM that was started without the Vector API's module. */
class WithoutModuleTest {

    /** Prints two outputs of a convolution. */
    static final class Main {
        private Main() {}

        public static void main(String[] args) {
            Planes in = Planes.of(1, 1, 1, 2).withBorder(1);
            Planes out = in.at(in.size());
            float[] arena = new float[in.size() + out.size()];
            in.load(new float[] {1, 10}, 0, arena);
            Convolution sum =
                    Convolution.builder()
                            .setFilters(Filters.dense(new float[] {1, 1, 1}, 1))
                            .setKernel(1, 3)
                            .optPadding(0, 1)
                            .build();
            for (int i = 0; i < 2; i++) {
                for (Kernel kernel : sum.plan(in, out, null, 0)) {
                    kernel.run(arena, 0, kernel.units());
                }
            }
            float[] result = new float[2];
            out.store(arena, result, 0);
            System.out.println("outputs " + result[0] + " " + result[1]);
        }
    }

    @Test
    void computesByPlainLoopsAndSaysOnceHowToBeFaster() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx64m",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String printed =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
        assertThat(printed).contains("outputs 11.0 11.0");
        assertThat(printed).containsOnlyOnce("--add-modules jdk.incubator.vector");
    }
}
