package io.flipout.inference.kernel;

import java.util.Arrays;
import java.util.Locale;

/**
 * Where the channels of a batch of images lie in an arena.
 *
 * <p>A channel is a plane of {@code height} rows, {@code rowStride} elements apart, with {@code
 * border} rows of zeros above and below and at least {@code border} zeros between the end of a row
 * and the start of the next (one gap serves as the right border of the one and the left border of
 * the other). So a tap of a convolution with padding is one constant distance for all outputs:
 *
 * <pre>
 * 0 0 0 0 0      border 1, width 4, row stride 5
 * 0 a b c d
 * 0 e f g h
 * 0 0 0 0 0 0
 * </pre>
 *
 * <p>An element is {@code lanes} floats: 1, or several images of a batch side by side, in which
 * case a batch is groups of that many images (the last may be filled up with images that nobody
 * reads). {@link #index(int, int, int, int)} has the formula. Planes of a single element without
 * border, and with one lane, lie close together: a vector of features is {@code of(images,
 * features, 1, 1)}.
 *
 * <p><b>Borders.</b> A kernel needs the borders of the planes it reads to be zero. Kernels write
 * the elements of a plane, and zeros into the gaps between its rows and into fewer than {@link
 * #ROOM} floats behind its last element. They never write the border above the first element. So a
 * border that was zero stays zero: {@link #clearBorder(float[])} is called once for an arena, and
 * again only when other planes have used the same place in between.
 *
 * <p>Immutable.
 */
public final class Planes {

    /** Floats behind a plane's last element that a kernel may write (zeros) or read (anything). */
    public static final int ROOM = 16;

    private final int images;
    private final int channels;
    private final int height;
    private final int width;
    private final int border;
    private final int rowStride;
    private final int lanes;
    private final int offset;
    private final int planeStride;
    private final int groupStride;

    private Planes(
            int images,
            int channels,
            int height,
            int width,
            int border,
            int rowStride,
            int lanes,
            int offset,
            int planeStride,
            int groupStride) {
        this.images = images;
        this.channels = channels;
        this.height = height;
        this.width = width;
        this.border = border;
        this.rowStride = rowStride;
        this.lanes = lanes;
        this.offset = offset;
        this.planeStride = planeStride;
        this.groupStride = groupStride;
    }

    /**
     * Planes without border, image by image, at the start of the arena.
     *
     * @param images the number of images
     * @param channels the number of channels
     * @param height the rows of an image
     * @param width the columns of an image
     * @return the planes
     * @throws IllegalArgumentException if a size is not positive, or all are too many for an array
     */
    public static Planes of(int images, int channels, int height, int width) {
        return laidOut(images, channels, height, width, 0, width, 1, 0);
    }

    private static Planes laidOut(
            int images,
            int channels,
            int height,
            int width,
            int border,
            int rowStride,
            int lanes,
            int offset) {
        if (images < 1 || channels < 1 || height < 1 || width < 1 || border < 0 || lanes < 1) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%d images of %d × %d × %d with a border of %d in %d lanes are no"
                                    + " planes.",
                            images,
                            channels,
                            height,
                            width,
                            border,
                            lanes));
        }
        if (rowStride < width + border) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "A row stride of %d is less than the width %d and the border %d.",
                            rowStride,
                            width,
                            border));
        }
        long plane;
        if (height == 1 && width == 1 && border == 0) {
            plane = lanes;
        } else {
            long lead = ((long) border * rowStride + border) * lanes;
            long inner = ((height - 1L) * rowStride + width) * lanes;
            plane = roundUp(lead) + roundUp(inner + lead);
        }
        long group = plane * channels;
        long total = group * ((images + lanes - 1) / lanes) + offset + ROOM;
        if (offset < 0 || total > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "%d images of %d × %d × %d at %d do not fit into one array.",
                            images,
                            channels,
                            height,
                            width,
                            offset));
        }
        return new Planes(
                images,
                channels,
                height,
                width,
                border,
                rowStride,
                lanes,
                offset,
                (int) plane,
                (int) group);
    }

    private static long roundUp(long floats) {
        return (floats + ROOM - 1) / ROOM * ROOM;
    }

    /**
     * The same with a border, and the least row stride that it takes.
     *
     * @param border rows above and below, columns left and right; 0 or more
     * @return the planes
     */
    public Planes withBorder(int border) {
        return laidOut(images, channels, height, width, border, width + border, lanes, offset);
    }

    /**
     * The same with rows further apart: those of a convolution's input and output are to be equally
     * far apart, even where its output is narrower than its input.
     *
     * @param rowStride elements from one row to the next, at least width and border
     * @return the planes
     */
    public Planes withRowStride(int rowStride) {
        return laidOut(images, channels, height, width, border, rowStride, lanes, offset);
    }

    /**
     * The same with images side by side.
     *
     * @param lanes images to an element, 1 or more; {@link #ROOM} is a good number
     * @return the planes
     */
    public Planes withLanes(int lanes) {
        return laidOut(images, channels, height, width, border, rowStride, lanes, offset);
    }

    /**
     * The same elsewhere in the arena.
     *
     * @param offset the first float of the first plane's border
     * @return the planes
     */
    public Planes at(int offset) {
        if (offset < 0 || (long) offset + size() > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("Planes at " + offset + " are outside an array.");
        }
        return new Planes(
                images,
                channels,
                height,
                width,
                border,
                rowStride,
                lanes,
                offset,
                planeStride,
                groupStride);
    }

    /**
     * Some of these channels, where they lie: a kernel that writes its output there saves a
     * concatenation.
     *
     * @param first the first channel
     * @param count the number of channels
     * @return the planes
     */
    public Planes slice(int first, int count) {
        if (first < 0 || count < 1 || first + count > channels) {
            throw new IllegalArgumentException(
                    String.format(
                            Locale.ROOT,
                            "Channels %d to %d are not among %d.",
                            first,
                            first + count - 1,
                            channels));
        }
        return new Planes(
                images,
                count,
                height,
                width,
                border,
                rowStride,
                lanes,
                offset + first * planeStride,
                planeStride,
                groupStride);
    }

    /**
     * Returns the number of images.
     *
     * @return 1 or more
     */
    public int images() {
        return images;
    }

    /**
     * Returns the number of channels.
     *
     * @return 1 or more
     */
    public int channels() {
        return channels;
    }

    /**
     * Returns the number of rows, without border.
     *
     * @return 1 or more
     */
    public int height() {
        return height;
    }

    /**
     * Returns the number of columns, without border.
     *
     * @return 1 or more
     */
    public int width() {
        return width;
    }

    /**
     * Returns the width of the border of zeros.
     *
     * @return 0 or more
     */
    public int border() {
        return border;
    }

    /**
     * Returns the elements from one row to the next.
     *
     * @return width and border, or more
     */
    public int rowStride() {
        return rowStride;
    }

    /**
     * Returns the images to an element.
     *
     * @return 1 or more
     */
    public int lanes() {
        return lanes;
    }

    /**
     * Returns the floats from one channel to the next.
     *
     * @return 1 or more
     */
    public int planeStride() {
        return planeStride;
    }

    /**
     * Returns the floats from one group of images to the next.
     *
     * @return 1 or more
     */
    public int groupStride() {
        return groupStride;
    }

    /**
     * Returns the number of groups of {@link #lanes} images.
     *
     * @return 1 or more
     */
    public int groups() {
        return (images + lanes - 1) / lanes;
    }

    /**
     * Returns where the planes begin.
     *
     * @return the first float of the first plane's border
     */
    public int offset() {
        return offset;
    }

    /**
     * Returns what the planes take of an arena, room behind the last included.
     *
     * @return floats from {@link #offset} on
     */
    public int size() {
        return (groups() - 1) * groupStride + channels * planeStride + ROOM;
    }

    /**
     * Returns the floats from the first element of a plane to behind its last, gaps between rows
     * included.
     *
     * @return 1 or more
     */
    int run() {
        return ((height - 1) * rowStride + width) * lanes;
    }

    /**
     * Where the first element of the first channel of the first group lies: whole vectors behind
     * the offset, so that writes cross no cache line where the offset begins one.
     */
    int first() {
        return offset + (int) roundUp((long) (border * rowStride + border) * lanes);
    }

    /**
     * Returns where an element lies.
     *
     * @param image the image
     * @param channel the channel
     * @param y the row
     * @param x the column
     * @return the index in the arena
     */
    public int index(int image, int channel, int y, int x) {
        return first()
                + image / lanes * groupStride
                + channel * planeStride
                + (y * rowStride + x) * lanes
                + image % lanes;
    }

    /**
     * Makes the border zero, and all that a kernel reads beside the elements.
     *
     * @param arena the arena
     */
    public void clearBorder(float[] arena) {
        if (planeStride == lanes) {
            return;
        }
        int lead = first() - offset;
        int row = width * lanes;
        int stride = rowStride * lanes;
        for (int group = 0; group < groups(); group++) {
            for (int channel = 0; channel < channels; channel++) {
                int start = offset + group * groupStride + channel * planeStride;
                Arrays.fill(arena, start, start + lead, 0f);
                for (int y = 0; y + 1 < height; y++) {
                    int end = start + lead + y * stride + row;
                    Arrays.fill(arena, end, end + stride - row, 0f);
                }
                int last = start + lead + (height - 1) * stride + row;
                Arrays.fill(arena, last, start + planeStride, 0f);
            }
        }
    }

    /**
     * Writes images into the elements.
     *
     * @param source {@code images × channels × height × width} numbers
     * @param from the index of the first
     * @param arena the arena
     */
    public void load(float[] source, int from, float[] arena) {
        int image = channels * height * width;
        int at = first();
        if (lanes > 1) {
            for (int i = 0; i < images; i += lanes) {
                int start = at + i / lanes * groupStride;
                interleave(source, from + i * image, Math.min(lanes, images - i), arena, start);
            }
            return;
        }
        for (int i = 0; i < images; i++) {
            move(source, from + i * image, arena, at + i * groupStride, true);
        }
    }

    /** Writes a group of images row by row, which stays in the nearest cache meanwhile. */
    private void interleave(float[] source, int from, int count, float[] arena, int start) {
        int image = channels * height * width;
        for (int row = 0; row < channels * height; row++) {
            int channel = row / height;
            int place = start + channel * planeStride + row % height * rowStride * lanes;
            for (int lane = 0; lane < count; lane++) {
                int number = from + lane * image + row * width;
                int element = place + lane;
                for (int x = 0; x < width; x++) {
                    arena[element + x * lanes] = source[number + x];
                }
            }
        }
    }

    /**
     * Reads images out of the elements.
     *
     * @param arena the arena
     * @param target takes {@code images × channels × height × width} numbers
     * @param to the index of the first
     */
    public void store(float[] arena, float[] target, int to) {
        int image = channels * height * width;
        int at = first();
        for (int i = 0; i < images; i++) {
            int start = at + i / lanes * groupStride + i % lanes;
            move(target, to + i * image, arena, start, false);
        }
    }

    /** Copies an image between its elements, and numbers without gaps. */
    private void move(float[] numbers, int from, float[] arena, int start, boolean load) {
        boolean rowsTouch = lanes == 1 && rowStride == width;
        // Planes of single elements are one run, planes without gaps one each.
        boolean planesTouch = height == 1 && width == 1;
        int runs = planesTouch ? 1 : rowsTouch ? channels : channels * height;
        int length = channels * height * width / runs;
        int step = planesTouch ? planeStride : lanes;
        for (int run = 0; run < runs; run++) {
            int channel = rowsTouch ? run : run / height;
            int row = rowsTouch ? 0 : run % height;
            int place = start + channel * planeStride + row * rowStride * lanes;
            int number = from + run * length;
            if (step == 1 && load) {
                System.arraycopy(numbers, number, arena, place, length);
            } else if (step == 1) {
                System.arraycopy(arena, place, numbers, number, length);
            } else if (load) {
                for (int i = 0; i < length; i++) {
                    arena[place + i * step] = numbers[number + i];
                }
            } else {
                for (int i = 0; i < length; i++) {
                    numbers[number + i] = arena[place + i * step];
                }
            }
        }
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%d × %d × %d × %d, border %d, row stride %d, %d lanes, at %d",
                images,
                channels,
                height,
                width,
                border,
                rowStride,
                lanes,
                offset);
    }
}
