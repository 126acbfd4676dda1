package io.flipout.cli.option;

import ai.djl.Device;
import ai.djl.engine.Engine;
import io.flipout.cli.terminal.Failure;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code --device}. */
public final class Devices {

    private static final Pattern GPU = Pattern.compile("gpu(\\d{1,4}(?:,\\d{1,4})*)?");

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
            return new Device[] {gpus() > 0 ? Device.gpu() : Device.cpu()};
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
                                        ? "no GPU can be used here; --device cpu trains without."
                                        : "the GPUs here are 0 to " + (available - 1) + "."));
            }
        }
        return Arrays.stream(numbers).mapToObj(Device::gpu).toArray(Device[]::new);
    }

    private static int gpus() {
        return Engine.getInstance().getGpuCount();
    }
}
