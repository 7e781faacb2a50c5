% Transmit power of yu2020: phases that maximise the channel gains, then the least power for the targets.
%
% Octave:  octave-cli --no-gui schemes/yu2020_power.m CHANNELS PARAMETERS SOLUTION
% MATLAB:  matlab -batch "channels='CHANNELS'; parameters='PARAMETERS'; solution='SOLUTION';
%                         addpath('schemes'); yu2020_power"
%
% Phases maximise the sum of the users' channel gains over what each has without the surface,
% element by element; beamformers then follow from the fixed point of the dual uplink (Wiesel,
% Eldar, Shamai 2006, "Linear precoding via conic optimization for fixed MIMO receivers"). A
% realisation on which the targets cannot be met at these phases is written as NaN.

if exist('OCTAVE_VERSION', 'builtin')
  pkg('load', 'netcdf');
  given = argv();
  channels = given{1};
  parameters = given{2};
  solution = given{3};
end

sweeps = 50;          % over all elements
iterations = 5000;    % of the fixed point

%% What is asked for
asked = jsondecode(fileread(parameters));
p = asked.parameters;
R = asked.sizes.realisation;
K = asked.sizes.user;
M = asked.sizes.antenna;
N = asked.sizes.element;
target = 10 ^ (p.sinr_target / 10);
noise = 10 ^ (p.noise_power / 10 - 3);

% A file has (realisation, element, antenna, part); ncread reverses that:
% (part, antenna, element, realisation), and part = 1 is real, part = 2 imaginary.
raw = ncread(channels, 'ap_to_irs');
F = reshape(raw(1, 1:M, 1:N, :) + 1i * raw(2, 1:M, 1:N, :), [M, N, R]);
raw = ncread(channels, 'irs_to_user');
h = reshape(raw(1, 1:N, 1:K, :) - 1i * raw(2, 1:N, 1:K, :), [N, K, R]);    % conjugated
raw = ncread(channels, 'direct');
d = reshape(raw(1, 1:M, 1:K, :) - 1i * raw(2, 1:M, 1:K, :), [M, K, R]);    % conjugated
phase = ncread(channels, 'starting_phase');
phase = reshape(phase(1:N, :), [N, R]);

beamformer = nan(2, M, K, R);
reflection = nan(2, N, R);
for r = 1:R
  % cascade(:, k, n): what antennas are heard with by user k over element n
  cascade = zeros(M, K, N);
  for n = 1:N
    cascade(:, :, n) = F(:, n, r) * h(n, :, r) / sqrt(noise);
  end
  direct = d(:, :, r) / sqrt(noise);
  x = exp(1i * phase(:, r));
  H = direct + reshape(reshape(cascade, M * K, N) * x, M, K);

  % With all other elements held, the weighted gains are b + 2 real(c x_n): x_n = exp(-j arg c).
  weights = repmat(1 ./ sum(abs(direct) .^ 2, 1), M, 1);
  for t = 1:sweeps
    before = x;
    for n = 1:N
      rest = H - cascade(:, :, n) * x(n);
      x(n) = exp(-1i * angle(sum(sum(weights .* conj(rest) .* cascade(:, :, n)))));
      H = rest + cascade(:, :, n) * x(n);
    end
    if max(abs(x - before)) < 1e-4
      break
    end
  end

  % Powers q of the dual uplink, whose receivers are the beams of the downlink
  q = zeros(K, 1);
  for t = 1:iterations
    C = eye(M) + conj(H) * diag(q) * H.';
    gains = real(diag(H.' * (C \ conj(H))));
    new = 1 ./ ((1 + 1 / target) * gains);
    done = max(abs(new - q)) <= 1e-9 * max(new);
    q = new;
    if done || any(~isfinite(q)) || max(q) > 1e12
      break
    end
  end
  W = (eye(M) + conj(H) * diag(q) * H.') \ conj(H);
  W = W ./ repmat(sqrt(sum(abs(W) .^ 2, 1)), M, 1);
  G = abs(H.' * W) .^ 2;
  powers = (diag(diag(G)) / target - (G - diag(diag(G)))) \ ones(K, 1);
  if all(isfinite(powers)) && all(powers > 0)
    W = W * diag(sqrt(powers));
    beamformer(1, :, :, r) = real(W);
    beamformer(2, :, :, r) = imag(W);
    reflection(1, :, r) = real(x);
    reflection(2, :, r) = imag(x);
  end
end

%% Dimensions are named in the order of MATLAB, the reverse of the one that a file has
if exist(solution, 'file'), delete(solution); end
nccreate(solution, 'beamformer', 'Format', 'netcdf4', 'Datatype', 'double', ...
         'Dimensions', {'part', 2, 'antenna', M, 'user', K, 'realisation', R});
nccreate(solution, 'reflection', 'Datatype', 'double', ...
         'Dimensions', {'part', 2, 'element', N, 'realisation', R});
ncwrite(solution, 'beamformer', beamformer);
ncwrite(solution, 'reflection', reflection);
ncwriteatt(solution, '/', 'problem', asked.problem);
