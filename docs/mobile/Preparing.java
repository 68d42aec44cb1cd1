import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;

/**
 * Prepares pictures as graft does, with nothing but arrays, and checks that against the golden files of an artifact:
 * java Preparing.java ARTIFACT. On Android read the pixels from a Bitmap instead; the rest stays as it is.
 */
public final class Preparing {
    /** Bicubic with antialias, a = -0.5, or bilinear: what Pillow does, in doubles. */
    static double filter(double x, boolean bicubic) {
        x = Math.abs(x);
        if (!bicubic) return x < 1 ? 1 - x : 0;
        double a = -0.5;
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    /** One direction: `lines` lines of `from` pixels, of which `count` of the `to` pixels from `first` on are wanted. */
    static int[] resize(int[] in, int lines, int from, int to, int first, int count, boolean bicubic, boolean across) {
        int[] out = new int[lines * count * 3];
        double scale = (double) from / to, wide = Math.max(scale, 1), support = (bicubic ? 2 : 1) * wide;
        for (int at = 0; at < count; at++) {
            double centre = (first + at + 0.5) * scale;
            int low = Math.max(0, (int) (centre - support + 0.5)), high = Math.min(from, (int) (centre + support + 0.5));
            double[] weights = new double[high - low];
            double sum = 0;
            for (int i = low; i < high; i++) sum += weights[i - low] = filter((i - centre + 0.5) / wide, bicubic);
            for (int line = 0; line < lines; line++) {
                for (int channel = 0; channel < 3; channel++) {
                    double value = 0;
                    for (int i = low; i < high; i++) {
                        int pixel = across ? line * from + i : i * lines + line;
                        value += weights[i - low] / sum * in[pixel * 3 + channel];
                    }
                    int place = across ? line * count + at : at * lines + line;
                    out[place * 3 + channel] = (int) Math.max(0, Math.min(255, Math.round(value)));
                }
            }
        }
        return out;
    }

    /** RGB of any size -> (crop, crop, 3): the shorter side becomes `shorter`, then the centre is cut out. */
    static int[] prepare(int[] rgb, int width, int height, int shorter, int crop, boolean bicubic) {
        int short_ = Math.min(width, height);
        int fullWidth = Math.max(1, (int) ((long) shorter * width / short_));
        int fullHeight = Math.max(1, (int) ((long) shorter * height / short_));
        int left = (int) Math.rint((fullWidth - crop) / 2.0), top = (int) Math.rint((fullHeight - crop) / 2.0);
        int[] columns = resize(rgb, height, width, fullWidth, left, crop, bicubic, true);
        return resize(columns, crop, height, fullHeight, top, crop, bicubic, false);
    }

    static String field(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\\s*\"?([^,\"}\\]]+)").matcher(json);
        if (!found.find()) throw new IllegalArgumentException("no " + name);
        return found.group(1).trim();
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        String manifest = Files.readString(folder.resolve("manifest.json"));
        int shorter = Integer.parseInt(field(manifest, "resize")), crop = Integer.parseInt(field(manifest, "crop"));
        boolean bicubic = field(manifest, "interpolation").equals("bicubic");
        String golden = Files.readString(folder.resolve("golden/golden.json"));
        Matcher each = Pattern.compile("\"file\":\\s*\"([^\"]+)\".*?\"prepared\":\\s*\"([^\"]+)\"", Pattern.DOTALL).matcher(golden);
        int worst = 0, seen = 0;
        while (each.find()) {
            BufferedImage image = ImageIO.read(folder.resolve("golden").resolve(each.group(1)).toFile());
            int[] rgb = new int[image.getWidth() * image.getHeight() * 3];
            for (int y = 0; y < image.getHeight(); y++) {
                for (int x = 0; x < image.getWidth(); x++) {
                    int colour = image.getRGB(x, y), at = (y * image.getWidth() + x) * 3;
                    rgb[at] = colour >> 16 & 255;
                    rgb[at + 1] = colour >> 8 & 255;
                    rgb[at + 2] = colour & 255;
                }
            }
            int[] found = prepare(rgb, image.getWidth(), image.getHeight(), shorter, crop, bicubic);
            byte[] expected = Files.readAllBytes(folder.resolve("golden").resolve(each.group(2)));
            if (expected.length != found.length) throw new IllegalStateException("another shape");
            for (int i = 0; i < found.length; i++) worst = Math.max(worst, Math.abs(found[i] - (expected[i] & 255)));
            seen++;
        }
        System.out.println(seen + " golden pictures, largest difference " + worst + " grey levels");
        if (seen == 0 || worst > 1) System.exit(1);
    }
}
