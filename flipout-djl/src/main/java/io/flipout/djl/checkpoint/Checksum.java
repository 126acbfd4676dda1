package io.flipout.djl.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The SHA-256 of all bytes of a file before it, by which a cut or changed file is known. */
final class Checksum {

    /** The name of the tensor that holds it, the last one of a file. */
    static final String NAME = "sha256";

    /** Its length. */
    static final int BYTES = 32;

    private static final int BUFFER = 1 << 16;

    private final MessageDigest digest;

    Checksum() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every JDK has it.
        }
    }

    /** Takes in what is left of a buffer, which stays as it is. */
    void add(ByteBuffer bytes) {
        digest.update(bytes.duplicate());
    }

    /** Returns the checksum of all that was taken in. */
    byte[] bytes() {
        return digest.digest();
    }

    /** Tells whether a file ends with the checksum of what stands before. */
    static boolean isRight(Path path, long size) throws IOException {
        Checksum checksum = new Checksum();
        byte[] buffer = new byte[BUFFER];
        try (InputStream file = Files.newInputStream(path)) {
            for (long left = size - BYTES; left > 0; ) {
                int count = file.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (count < 0) {
                    return false;
                }
                checksum.add(ByteBuffer.wrap(buffer, 0, count));
                left -= count;
            }
            return MessageDigest.isEqual(checksum.bytes(), file.readNBytes(BYTES));
        }
    }
}
