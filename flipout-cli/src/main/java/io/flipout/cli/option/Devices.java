package io.flipout.cli.option;

import ai.djl.Device;
import ai.djl.engine.Engine;
import io.flipout.cli.terminal.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads {@code --device}. */
public final class Devices {

    private static final Pattern GPU = Pattern.compile("gpu(\\d{1,4}(?:,\\d{1,4})*)?");

    /** It is there where NVIDIA's driver is loaded. */
    private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");

    private static final String UNSEEN =
            "DJL sees none, though an NVIDIA driver is loaded: it asks CUDA's runtime,"
                    + " libcudart.so, which must lie where programs look for libraries"
                    + " (LD_LIBRARY_PATH);";

    private static final Logger logger = LoggerFactory.getLogger(Devices.class);

    private Devices() {}

    /**
     * Returns the devices to train on.
     *
     * @param name auto, cpu, gpu, or gpu followed by numbers, such as gpu0,1
     */
    public static Device[] parse(String name) {
        if (name.equals("cpu")) {
            return new Device[] {Device.cpu()};
        }
        if (name.equals("auto")) {
            boolean hasGpu = gpus() > 0;
            if (!hasGpu && hasDriver()) {
                logger.warn("No GPU is used: {} the CPU computes.", UNSEEN);
            }
            return new Device[] {hasGpu ? Device.gpu() : Device.cpu()};
        }
        Matcher matcher = GPU.matcher(name);
        if (!matcher.matches()) {
            throw Failure.misuse(
                    "Unknown device '" + name + "': use auto, cpu, gpu, gpu1 or gpu0,1.");
        }
        int[] numbers =
                matcher.group(1) == null
                        ? new int[] {0}
                        : Arrays.stream(matcher.group(1).split(","))
                                .mapToInt(Integer::parseInt)
                                .distinct()
                                .toArray();
        int available = gpus();
        for (int number : numbers) {
            if (number >= available) {
                throw Failure.misuse(
                        "There is no GPU "
                                + number
                                + ": "
                                + (available == 0
                                        ? noGpu(hasDriver())
                                        : "the GPUs here are 0 to " + (available - 1) + "."));
            }
        }
        return Arrays.stream(numbers).mapToObj(Device::gpu).toArray(Device[]::new);
    }

    /** Says why there is none, and what to do. */
    static String noGpu(boolean hasDriver) {
        return (hasDriver ? UNSEEN : "no GPU can be used here;") + " --device cpu trains without.";
    }

    private static boolean hasDriver() {
        return Files.exists(DRIVER);
    }

    private static int gpus() {
        return Engine.getInstance().getGpuCount();
    }
}
