package io.flipout.djl.data;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * CIFAR-10's binary format: records of a label byte and 3072 pixel bytes, (3, 32, 32) (Krizhevsky,
 * 2009).
 */
final class CifarFile {

    static final int SIDE = 32;
    private static final int PIXELS = 3 * SIDE * SIDE;
    private static final int RECORD = PIXELS + 1;

    private CifarFile() {}

    /** One file's name and content. */
    record Content(String name, byte[] bytes) {}

    /** Reads the records of several files, one after the other. */
    static ImageSet read(List<Content> files, List<String> classes) throws IOException {
        int count = 0;
        for (Content file : files) {
            if (file.bytes().length == 0 || file.bytes().length % RECORD != 0) {
                throw new DataException(
                        file.name()
                                + " has "
                                + file.bytes().length
                                + " bytes, which are no whole records of "
                                + RECORD
                                + ": it is truncated or no CIFAR-10 binary file; get it anew.");
            }
            count += file.bytes().length / RECORD;
        }
        byte[][] images = new byte[count][];
        int[] labels = new int[count];
        int i = 0;
        for (Content file : files) {
            for (int at = 0; at < file.bytes().length; at += RECORD, i++) {
                labels[i] = file.bytes()[at] & 0xff;
                if (labels[i] >= classes.size()) {
                    throw new DataException(
                            file.name()
                                    + " gives record "
                                    + at / RECORD
                                    + " the label "
                                    + labels[i]
                                    + ", out of 0 to "
                                    + (classes.size() - 1)
                                    + ": it is damaged; get it anew.");
                }
                images[i] = Arrays.copyOfRange(file.bytes(), at + 1, at + RECORD);
            }
        }
        return new ImageSet(images, labels, 3, SIDE, SIDE, classes);
    }
}
