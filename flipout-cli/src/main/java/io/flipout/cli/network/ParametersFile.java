package io.flipout.cli.network;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.BatchNorm;
import io.flipout.cli.terminal.Failure;
import io.flipout.djl.FiniteCheck;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Parameters as {@code Model.save} writes them, read without trust: DJL's own reader takes as much
 * memory as any length in the file claims. This one first walks over the file, block by block, and
 * reads the values of a parameter only where the network has one of that name and shape.
 */
final class ParametersFile implements AutoCloseable {

    private static final int MAGIC = 0x444A4C40; // "DJL@"
    private static final String ARRAY = "NDAR";

    /** Laying out a network computes with one image: what its first layer may take and give. */
    private static final long MOST_VALUES = 1 << 28;

    private final Path path;
    private final RandomAccessFile file;
    private final long size;
    private final List<Entry> entries = new ArrayList<>();
    private Shape image;

    /** Where the values of a parameter are. */
    private record Entry(String name, Shape shape, ByteOrder order, long position) {}

    /**
     * Opens a file.
     *
     * @param path the file
     * @param network the network that it is of, whatever its channels, classes and width
     * @throws IOException if the file is damaged or of another network
     */
    ParametersFile(Path path, Block network) throws IOException {
        this.path = path;
        file = new RandomAccessFile(path.toFile(), "r");
        try {
            size = file.length();
            walk(network);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** Returns the shape of the images, without the batch. */
    Shape image() {
        return image;
    }

    /** Returns the shape of the first layer's weight. */
    Shape first() {
        return entries.get(0).shape();
    }

    /** Returns the shape of the last layer's bias. */
    Shape last() {
        return entries.get(entries.size() - 1).shape();
    }

    /** Lays out a network with these parameters for these images, one at a time. */
    void initialize(Block network, NDManager manager) {
        List<Parameter> parameters = network.getParameters().values();
        for (int i = 0; i < parameters.size(); i++) {
            Entry entry = entries.get(i);
            parameters.get(i).setInitializer((owner, shape, type) -> read(entry, owner, shape));
        }
        network.initialize(manager, DataType.FLOAT32, new Shape(1).addAll(image));
    }

    private NDArray read(Entry entry, NDManager manager, Shape shape) {
        if (!entry.shape().equals(shape)) {
            throw new IllegalArgumentException(
                    entry.name() + " is of " + entry.shape() + ", not of " + shape + ".");
        }
        try {
            byte[] bytes = new byte[Math.toIntExact(shape.size() * Float.BYTES)];
            file.seek(entry.position());
            file.readFully(bytes);
            NDArray array =
                    manager.create(
                            ByteBuffer.wrap(bytes).order(entry.order()).asFloatBuffer(), shape);
            Optional<String> fault = FiniteCheck.fault(array, true);
            if (fault.isPresent()) {
                throw Failure.of(
                        path
                                + " is of no use: its parameter "
                                + entry.name()
                                + " holds "
                                + fault.get()
                                + ". Take the network as it was before its training diverged.",
                        null);
            }
            return array;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void walk(Block network) throws IOException {
        check(file.readInt() == MAGIC, "it does not begin as DJL's parameters do");
        file.readInt(); // version
        file.readUTF(); // name of the model
        file.readUTF(); // type of the model
        for (int inputs = file.readInt(); inputs > 0; inputs--) {
            file.readUTF();
            shape();
        }
        for (int properties = file.readInt(); properties > 0; properties--) {
            file.readUTF();
            file.readUTF();
        }
        block(network);
        check(file.getFilePointer() == size, "it goes on behind the last parameter");
        check(image != null && image.dimension() == 3, "it does not say for which images it is");
        check(first().dimension() > 0 && last().dimension() > 0, "a layer has no weights");
        for (long channels : new long[] {image.get(0), first().get(0)}) {
            long values = product(MOST_VALUES, channels, image.get(1), image.get(2));
            check(values > 0, "it is for images of " + image);
        }
    }

    /** What a block tells of itself, then its parameters, then its children. */
    private void block(Block block) throws IOException {
        file.readByte(); // version
        if (block instanceof Linear) {
            file.readLong(); // units
            file.readLong(); // features
            shape();
        } else {
            int inputs = length(file.readInt(), 2 * Integer.BYTES);
            for (int i = 0; i < inputs; i++) {
                Shape input = shape();
                if (image == null) {
                    image = input.slice(Math.min(1, input.dimension()));
                }
            }
        }
        if (block instanceof SequentialBlock) {
            file.readBoolean(); // whether it returns what is between its children
        } else if (block instanceof BatchNorm) {
            file.readLong(); // channels
        }
        for (Parameter parameter : block.getDirectParameters().values()) {
            parameter(parameter.getName());
        }
        for (Block child : block.getChildren().values()) {
            block(child);
        }
    }

    private void parameter(String name) throws IOException {
        check(file.readChar() == 'P', name + " is missing");
        file.readByte(); // version of parameters
        check(file.readUTF().equals(name), name + " is missing");
        check(file.readUTF().equals(ARRAY), name + " is no array");
        file.readInt(); // version of arrays
        if (file.readBoolean()) {
            file.readUTF(); // name
        }
        file.readUTF(); // format of sparse arrays
        check(file.readUTF().equals(DataType.FLOAT32.name()), name + " holds no floats");
        Shape shape = shape();
        ByteOrder order = file.readByte() == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        int bytes = length(file.readInt(), 1);
        check(
                product(size, shape.getShape()) * Float.BYTES == bytes,
                name + " is of " + shape + " in " + bytes + " bytes");
        entries.add(new Entry(name, shape, order, file.getFilePointer()));
        file.seek(file.getFilePointer() + bytes);
    }

    private Shape shape() throws IOException {
        long[] sizes = new long[length(file.readInt(), Long.BYTES)];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = file.readLong();
        }
        int layout = length(file.readInt(), Character.BYTES);
        file.seek(file.getFilePointer() + (long) layout * Character.BYTES);
        return new Shape(sizes);
    }

    /** The product of sizes; negative where it is more than the most, or a size is negative. */
    private static long product(long most, long... sizes) {
        long product = 1;
        for (long side : sizes) {
            if (side < 0 || (side > 0 && product > most / side)) {
                return -1;
            }
            product *= side;
        }
        return product;
    }

    /** Checks that the rest of the file can hold so many items. */
    private int length(int count, int bytes) throws IOException {
        check(
                count >= 0 && count <= (size - file.getFilePointer()) / bytes,
                "a length of " + count + " is more than it holds");
        return count;
    }

    private static void check(boolean holds, String fault) throws IOException {
        if (!holds) {
            throw new IOException(fault);
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
