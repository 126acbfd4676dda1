package io.flipout.djl.data;

import static io.flipout.djl.data.TinyImages.chunk;
import static io.flipout.djl.data.TinyImages.joined;
import static io.flipout.djl.data.TinyImages.jpeg;
import static io.flipout.djl.data.TinyImages.png;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Colours are those that PIL reads, which the numbers here were compared with. */
class ImageFileTest {

    /** The segment that would say whether there is one more: its last byte is the transform. */
    private static final byte[] ADOBE = {
        (byte) 0xff, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
    };

    private static final byte[] NOTHING = {};

    @TempDir private Path folder;

    private BufferedImage read(String name, byte[] bytes) throws IOException {
        return ImageFile.read(Files.write(folder.resolve(name), bytes));
    }

    private int first(String name, byte[] bytes) throws IOException {
        return read(name, bytes).getRGB(5, 7) & 0xffffff;
    }

    @Test
    void greyIsAsBrightAsItIsStored() throws IOException {
        byte[] clear = chunk("tRNS", (byte) 0, (byte) 7);
        for (byte[] transparent : new byte[][] {NOTHING, clear}) {
            assertThat(first("8.png", png(8, 0, transparent, 128))).isEqualTo(0x808080);
            assertThat(first("16.png", png(16, 0, transparent, 128, 3))).isEqualTo(0x808080);
            assertThat(first("4.png", png(4, 0, transparent, 0x88))).isEqualTo(0x888888);
        }
        byte[] grey = chunk("tRNS", (byte) 0, (byte) 1);
        for (byte[] transparent : new byte[][] {NOTHING, grey}) {
            assertThat(first("2.png", png(2, 0, transparent, 0x55))).isEqualTo(0x555555);
            assertThat(first("1.png", png(1, 0, transparent, 0xff))).isEqualTo(0xffffff);
        }
        for (int alpha : new int[] {255, 100, 0}) {
            assertThat(first("8a.png", png(8, 4, NOTHING, 128, alpha))).isEqualTo(0x808080);
            assertThat(first("16a.png", png(16, 4, NOTHING, 128, 3, alpha, 0))).isEqualTo(0x808080);
        }
    }

    @Test
    void coloursAreThoseStoredWhateverIsTransparent() throws IOException {
        assertThat(first("8.png", png(8, 2, NOTHING, 1, 128, 250))).isEqualTo(0x0180fa);
        assertThat(first("16.png", png(16, 2, NOTHING, 1, 9, 128, 9, 250, 9))).isEqualTo(0x0180fa);
        byte[] clear = chunk("tRNS", (byte) 0, (byte) 1, (byte) 0, (byte) 128, (byte) 0, (byte) -6);
        assertThat(first("8t.png", png(8, 2, clear, 1, 128, 250))).isEqualTo(0x0180fa);
        assertThat(first("8a.png", png(8, 6, NOTHING, 1, 128, 250, 0))).isEqualTo(0x0180fa);
        assertThat(first("16a.png", png(16, 6, NOTHING, 1, 9, 128, 9, 250, 9, 0, 0)))
                .isEqualTo(0x0180fa);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void palettesNameColours(int depth) throws IOException {
        byte[] palette =
                chunk("PLTE", (byte) 9, (byte) 9, (byte) 9, (byte) 1, (byte) -128, (byte) -6);
        int ones = new int[] {0, 0xff, 0x55, 0, 0x11, 0, 0, 0, 1}[depth];
        byte[] clear = chunk("tRNS", (byte) 255, (byte) 0);
        assertThat(first("p.png", png(depth, 3, palette, ones))).isEqualTo(0x0180fa);
        assertThat(first("pt.png", png(depth, 3, joined(palette, clear), ones)))
                .isEqualTo(0x0180fa);
    }

    private static byte[] adobe(byte[] jpeg, int transform) {
        byte[] segment = ADOBE.clone();
        segment[segment.length - 1] = (byte) transform;
        return joined(Arrays.copyOf(jpeg, 2), segment, Arrays.copyOfRange(jpeg, 2, jpeg.length));
    }

    /** (255 - C)·(255 - K) / 255, of which files hold the inverse. */
    @Test
    void inkTakesLightAway() throws IOException {
        byte[] cmyk = jpeg(245, 55, 225, 215);
        assertThat(first("plain.jpg", cmyk)).isEqualTo(0xcf2ebe); // 207, 46, 190
        assertThat(first("adobe.jpg", adobe(cmyk, 0))).isEqualTo(0xcf2ebe);
    }

    /** Grey of luma 100 leaves 155 of 255, of which black takes a part: 155·200 / 255 = 121.6. */
    @ParameterizedTest
    @CsvSource({"2, 7a7a7a", "1, 7a7a7a", "0, 4e6464"})
    void inkMayBeStoredAsLuma(int transform, String colour) throws IOException {
        byte[] ycck = jpeg(100, 128, 128, 200);
        assertThat(first("ycck.jpg", adobe(ycck, transform)))
                .isEqualTo(Integer.parseInt(colour, 16));
    }

    /** Blue 10 + 1.772·72 = 137.6, green 10 - 0.34414·72 + 0.71414·38 = 12.4, no red. */
    @Test
    void threeComponentsAreLumaUnlessTheFileSaysOtherwise() throws IOException {
        byte[] luma = jpeg(10, 200, 90);
        assertThat(first("luma.jpg", adobe(luma, 1))).isEqualTo(0x000c8a);
        assertThat(first("rgb.jpg", adobe(luma, 0))).isEqualTo(0x0ac85a);
        assertThat(first("grey.jpg", jpeg(77))).isEqualTo(0x4d4d4d);
    }

    private static byte[] noise(String type) throws IOException {
        BufferedImage image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        Random random = new Random(1);
        for (int i = 0; i < 64 * 64; i++) {
            image.setRGB(i % 64, i / 64, random.nextInt());
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, type, out);
        return out.toByteArray();
    }

    @ParameterizedTest
    @CsvSource({"png, .05", "png, .5", "png, .99", "jpg, .1", "jpg, .5", "jpg, .99"})
    void whatIsCutOffIsRefused(String type, double share) throws IOException {
        byte[] whole = noise(type);
        assertThat(read("whole." + type, whole).getWidth()).isEqualTo(64);
        byte[] cut = Arrays.copyOf(whole, (int) (share * whole.length));
        assertThatThrownBy(() -> read("cut." + type, cut))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("cut." + type + " is no image")
                .hasMessageContaining("cut off");
    }

    @Test
    void aPictureInAPictureDoesNotHideACut() throws IOException {
        byte[] whole = noise("jpg");
        byte[] small = jpeg(1, 2, 3);
        byte[] segment = {(byte) 0xff, (byte) 0xe1, 0, 0};
        ByteBuffer.wrap(segment).putShort(2, (short) (2 + small.length));
        byte[] both =
                joined(
                        Arrays.copyOf(whole, 2),
                        segment,
                        small,
                        Arrays.copyOfRange(whole, 2, whole.length));
        assertThat(read("both.jpg", both).getWidth()).isEqualTo(64);
        assertThatThrownBy(() -> read("cut.jpg", Arrays.copyOf(both, both.length / 2)))
                .hasMessageContaining("cut off");
    }

    /** What tools that mend such files do. */
    @Test
    void aCutIsNotHiddenByAnEndPutBehindIt() throws IOException {
        byte[] whole = noise("jpg");
        byte[] ended =
                joined(
                        Arrays.copyOf(whole, whole.length / 2),
                        new byte[] {(byte) 0xff, (byte) 0xd9});
        assertThatThrownBy(() -> read("ended.jpg", ended))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("ended.jpg")
                .hasMessageContaining("premature end");
    }

    @Test
    void whatFollowsTheEndDoesNotMatter() throws IOException {
        for (String type : new String[] {"png", "jpg"}) {
            byte[] whole = noise(type);
            BufferedImage alone = read("alone." + type, whole);
            BufferedImage more = read("more." + type, joined(whole, whole, new byte[50]));
            assertThat(more.getRGB(9, 9)).isEqualTo(alone.getRGB(9, 9));
        }
    }

    /** A photograph that was taken upright is left on its side, as PIL's image is. */
    @Test
    void turnsOfExifAreLeftToOthers() throws IOException {
        byte[] upright = {
            (byte) 0xff,
            (byte) 0xe1,
            0,
            34,
            'E',
            'x',
            'i',
            'f',
            0,
            0,
            'M',
            'M',
            0,
            42,
            0,
            0,
            0,
            8,
            0,
            1,
            1,
            0x12,
            0,
            3,
            0,
            0,
            0,
            1,
            0,
            6,
            0,
            0,
            0,
            0,
            0,
            0
        };
        byte[] whole = noise("jpg");
        byte[] turned =
                joined(
                        Arrays.copyOf(whole, 2),
                        upright,
                        Arrays.copyOfRange(whole, 2, whole.length));
        assertThat(read("turned.jpg", turned).getRGB(3, 50))
                .isEqualTo(read("whole.jpg", whole).getRGB(3, 50));
    }

    @Test
    void anEmptyFileAndOneOfAnotherKindAreToldApart() {
        assertThatThrownBy(() -> read("empty.jpg", NOTHING)).hasMessageContaining("it is empty");
        assertThatThrownBy(() -> read("text.png", "GIF89a".getBytes(StandardCharsets.UTF_8)))
                .hasMessageContaining("it is of another kind");
    }
}
