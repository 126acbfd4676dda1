package io.flipout.cli;

import java.awt.image.BufferedImage;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/** MNIST-like files small enough for a test: ten classes that a network can tell apart. */
public final class TinyData {

    private static final int USUAL_SIDE = 28;

    private TinyData() {}

    public static Path write(Path folder, int train, int test) throws IOException {
        Files.createDirectories(folder);
        write(folder, "train", train, USUAL_SIDE, 1);
        write(folder, "t10k", test, USUAL_SIDE, 2);
        return folder;
    }

    /** Writes a folder of images of two classes, one of which has no test images. */
    public static Path writeImages(Path folder) throws IOException {
        for (String name : List.of("train/dark/1.png", "train/bright/1.png", "val/dark/1.png")) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            BufferedImage image = new BufferedImage(40, 30, BufferedImage.TYPE_INT_RGB);
            image.setRGB(20, 15, name.contains("bright") ? 0xffffff : 0x101010);
            ImageIO.write(image, "png", file.toFile());
        }
        return folder;
    }

    /**
     * Returns a command that trains on files of {@link #write}, with options that come last and
     * win.
     */
    public static List<Object> command(String command, Path data, Path out, Object... options) {
        List<Object> words = new ArrayList<>();
        words.addAll(List.of(command, "--dataset", "mnist", "--data", data, "--device", "cpu"));
        words.addAll(List.of("--batch-size", 50, "--lr", 0.05, "--out", out));
        words.addAll(List.of(options));
        return words;
    }

    public static void write(Path folder, String split, int count, int side, long seed)
            throws IOException {
        Random random = new Random(seed);
        try (DataOutputStream images = open(folder.resolve(split + "-images-idx3-ubyte"));
                DataOutputStream labels = open(folder.resolve(split + "-labels-idx1-ubyte"))) {
            images.writeInt(0x0803);
            images.writeInt(count);
            images.writeInt(side);
            images.writeInt(side);
            labels.writeInt(0x0801);
            labels.writeInt(count);
            for (int i = 0; i < count; i++) {
                int label = i % 10;
                labels.writeByte(label);
                for (int pixel = 0; pixel < side * side; pixel++) {
                    boolean bright = pixel / side / 3 == label;
                    images.writeByte(random.nextInt(100) + (bright ? 150 : 0));
                }
            }
        }
    }

    private static DataOutputStream open(Path file) throws IOException {
        return new DataOutputStream(new java.io.BufferedOutputStream(Files.newOutputStream(file)));
    }
}
