/** Training that can be taken up where it stopped: what is kept of it, and how. */
package io.flipout.djl.checkpoint;
